namespace Loadline.Strategies.TorchSharp;

/// <summary>What a load found: both lists are empty unless <see cref="ModuleLoadOptions.Strict"/> was false.</summary>
/// <param name="Missing">Names of the module's that the checkpoint does not have, and that no tie of the module's fills.</param>
/// <param name="Unexpected">Names of the checkpoint's that the module does not have. Their bytes were not read.</param>
public sealed record ModuleLoad(IReadOnlyList<string> Missing, IReadOnlyList<string> Unexpected);
