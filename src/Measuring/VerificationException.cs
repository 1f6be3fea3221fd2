namespace Loadline.Measuring;

/// <summary>A weight on the device is not the one in the file. The message names the tensor, what was expected and what was found.</summary>
internal sealed class VerificationException(string message) : Exception(message);
