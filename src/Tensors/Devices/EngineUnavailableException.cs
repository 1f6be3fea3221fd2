namespace Loadline.Tensors;

/// <summary>An engine was asked for whose library is not there or cannot be used. The message is one line and says what to install.</summary>
public sealed class EngineUnavailableException(string message, Exception? inner = null) : ArgumentException(message, inner);
