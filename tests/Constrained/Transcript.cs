using System.Text;
using Loadline.Harness.Runtimes;

namespace Loadline.Constrained;

/// <summary>A runtime that keeps what a program printed: it goes with a test that fails.</summary>
internal sealed class Transcript(IContainerRuntime runtime) : IContainerRuntime
{
    private const int MaxChars = 1 << 20;

    private readonly StringBuilder _text = new();

    /// <summary>Both streams, the errors last. Of a program that prints without end, the beginning.</summary>
    public string Text => _text.ToString();

    public string Name => runtime.Name;

    public string Description => runtime.Description;

    public int CgroupVersion => runtime.CgroupVersion;

    public async Task<ContainerOutcome> RunAsync(ContainerSpec spec, Action<string> onOutput, CancellationToken cancellation)
    {
        var outcome = await runtime.RunAsync(spec, Take, cancellation);
        foreach (var line in outcome.ErrorLines) Keep(line);
        return outcome;

        void Take(string line)
        {
            Keep(line);
            onOutput(line);
        }
    }

    /// <summary>The runtime is somebody else's.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private void Keep(string line)
    {
        if (_text.Length + line.Length < MaxChars) _text.AppendLine(line);
    }
}
