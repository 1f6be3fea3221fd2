namespace Loadline.Checkpoints.Files;

/// <summary>What is to be written has the name of something that is not replaced: a mistake of who named it, and no failure of the disk.</summary>
/// <param name="message">One line, which begins with the name.</param>
internal sealed class TakenNameException(string message) : IOException(message);
