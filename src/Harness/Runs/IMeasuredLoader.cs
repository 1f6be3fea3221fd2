using Loadline.Strategies.Runs;

namespace Loadline.Harness.Runs;

/// <summary>Loads once in this process, measured as the worker measures.</summary>
internal interface IMeasuredLoader
{
    /// <summary>Loads to the end and returns the exit code of <see cref="ExitCodes"/>.</summary>
    /// <param name="request">What to load, and how.</param>
    /// <param name="onEvent">Gets the events that the worker would print; samples come on a thread of their own.</param>
    /// <param name="cancellation">Stops between two tensors.</param>
    int Load(LoadRequest request, Action<WorkerEvent> onEvent, CancellationToken cancellation);
}

/// <summary>One load, as <c>loadline load</c> asks for it.</summary>
/// <param name="Path">The checkpoint.</param>
/// <param name="Strategy">A name of the catalogue.</param>
/// <param name="Device">As in <c>cpu</c> or <c>sim:4GiB</c>.</param>
/// <param name="Engine">The engine's name, or null for the default.</param>
/// <param name="DType">The dtype that floating-point weights are converted to, or null to keep the file's.</param>
/// <param name="RingBytes">The ring of a streamed load, or null for the default.</param>
/// <param name="Verify">How to verify, or null not to.</param>
internal sealed record LoadRequest(
    string Path, string Strategy, string Device, string? Engine = null, string? DType = null, long? RingBytes = null, string? Verify = null);
