namespace Loadline.Harness.Runtimes;

/// <summary>Whoever gets a program's lines may fail, as a full disk does: then nobody empties its pipes any more, and it would wait until its timeout.</summary>
internal static class BrokenOutput
{
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
}
