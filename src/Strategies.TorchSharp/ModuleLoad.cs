namespace Loadline.Strategies.TorchSharp;

/// <summary>What a load did. Both lists of names are empty unless <see cref="ModuleLoadOptions.Strict"/> was false.</summary>
/// <param name="Missing">Names of the module's that the checkpoint does not have, and that no tie of the module's fills.</param>
/// <param name="Unexpected">Names of the checkpoint's that the module does not have. Their bytes were not read.</param>
public sealed record ModuleLoad(IReadOnlyList<string> Missing, IReadOnlyList<string> Unexpected)
{
    /// <summary>The strategy that loaded: the planner's choice where <c>auto</c> was asked for.</summary>
    public required string Strategy { get; init; }

    /// <summary>Bytes of all weights, each storage counted once however many parameters share it.</summary>
    public required long Bytes { get; init; }

    /// <summary>From opening the checkpoint to the last parameter in place.</summary>
    public required double Seconds { get; init; }

    /// <summary>The module's names whose weights are the file's own pages: that file must be neither cut nor overwritten while they are in use.</summary>
    public required IReadOnlyList<string> Mapped { get; init; }

    /// <summary>How many of <see cref="Bytes"/> are such pages.</summary>
    public required long MappedBytes { get; init; }
}
