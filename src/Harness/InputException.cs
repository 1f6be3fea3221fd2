namespace Loadline.Harness;

/// <summary>Something that was given is wrong: a budget file, an argument, a name. The message is one line for people; exit code 2.</summary>
internal sealed class InputException(string message) : Exception(message);
