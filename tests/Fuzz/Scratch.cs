namespace Loadline.Fuzz;

/// <summary>A folder of one process's own, in memory where that can be had.</summary>
internal sealed class Scratch : IDisposable
{
    public Scratch() => Directory.CreateDirectory(Path);

    public string Path { get; } = PathOf(Environment.ProcessId);

    /// <summary>Removes what a process left that was taken down.</summary>
    public static void Remove(int processId)
    {
        if (Directory.Exists(PathOf(processId))) Directory.Delete(PathOf(processId), recursive: true);
    }

    public void Dispose() => Remove(Environment.ProcessId);

    private static string PathOf(int processId) =>
        System.IO.Path.Combine(Directory.Exists("/dev/shm") ? "/dev/shm" : System.IO.Path.GetTempPath(), $"loadline-fuzz-{processId}");
}
