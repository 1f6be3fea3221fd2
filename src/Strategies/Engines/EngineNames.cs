namespace Loadline.Strategies.Engines;

/// <summary>Who owns the memory of tensors, by the names of the command line and of results.</summary>
public static class EngineNames
{
    /// <summary>Memory of the operating system's, without any library.</summary>
    public const string Native = "native";
}
