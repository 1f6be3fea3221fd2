using Loadline.Checkpoints;

namespace Loadline.Strategies.Planning;

/// <summary>What a worker takes whatever it loads. Budgets are gross, so a plan adds it to what the engine counts.</summary>
public static class WorkerMemory
{
    /// <summary>
    /// What a cap cannot take back from the worker: 6 to 8 MiB of anonymous memory in every strategy, and up to 2 MiB of the kernel's own on its
    /// behalf. Measured on gpt2-medium, float32, on Linux 6.18 (docs/planning.md).
    /// </summary>
    public const long OwnBytes = 10 * ByteSize.MiB;

    /// <summary>The lowest cap: below it the worker's runtime does not die but thrashes on its file pages for minutes.</summary>
    public const long FloorBytes = 32 * ByteSize.MiB;
}
