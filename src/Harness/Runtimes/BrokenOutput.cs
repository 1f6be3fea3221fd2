namespace Loadline.Harness.Runtimes;

/// <summary>Whoever gets a program's lines may fail, as a full disk does: then nobody empties its pipes any more, and it would wait until its timeout.</summary>
internal static class BrokenOutput
{
    // What a program that has ended may have left in pipes and an Engine's buffers, several times over.
    private const long MostPipeBytes = 64L << 20;

    // For readers of what nobody wants any more: one of them may hand on a line to who takes none.
    private static readonly TimeSpan Unwanted = TimeSpan.FromSeconds(2);

    /// <summary>Fails when one of the readers does, and never ends otherwise.</summary>
    public static Task Of(params ReadOnlySpan<Task> readers)
    {
        var broken = new TaskCompletionSource();
        foreach (var reader in readers)
        {
            _ = reader.ContinueWith(
                failed => broken.TrySetException(failed.Exception!.InnerExceptions), CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        }

        return broken.Task;
    }

    /// <summary>Waits for readers when the program has ended. The time in which somebody takes a line of them does not count.</summary>
    /// <param name="readers">All of them.</param>
    /// <param name="grace">How long they may wait for the end of a pipe.</param>
    /// <param name="splitters">What they read into.</param>
    /// <param name="cancellation">Nobody wants the rest any more.</param>
    /// <exception cref="TimeoutException">They wait still, or more came than pipes hold: somebody else has a pipe open.</exception>
    public static async Task EndsAsync(Task readers, TimeSpan grace, Func<IEnumerable<LineSplitter>> splitters, CancellationToken cancellation)
    {
        var before = splitters().Sum(s => s.TakenBytes);
        var wasHandingOn = IsHandingOn();
        while (true)
        {
            try
            {
                var isWanted = !cancellation.IsCancellationRequested;
                await readers.WaitAsync(isWanted || grace < Unwanted ? grace : Unwanted, isWanted ? cancellation : CancellationToken.None);
                return;
            }
            // From here on nobody wants them.
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested && !readers.IsCompleted)
            {
            }
            // They ended, well or not, as the time did.
            catch (TimeoutException) when (readers.IsCompleted)
            {
                await readers;
                return;
            }
            // Also of a line that was taken meanwhile: its reader has the whole grace from then on.
            catch (TimeoutException) when ((wasHandingOn || IsHandingOn()) && splitters().Sum(s => s.TakenBytes) - before <= MostPipeBytes
                && !cancellation.IsCancellationRequested)
            {
                wasHandingOn = IsHandingOn();
            }
        }

        bool IsHandingOn() => splitters().Any(s => s.IsHandingOn);
    }
}
