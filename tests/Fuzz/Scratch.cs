namespace Loadline.Fuzz;

/// <summary>A new folder that nobody else has, in memory where that can be had.</summary>
internal sealed class Scratch : IDisposable
{
    private const string Memory = "/dev/shm";

    public Scratch()
    {
        // Its name is random, and what is there already is not taken: of another namespace's processes the numbers are the same.
        if (Directory.Exists(Memory)) Environment.SetEnvironmentVariable("TMPDIR", Memory);
        Path = Directory.CreateTempSubdirectory("loadline-fuzz-").FullName;
    }

    public string Path { get; }

    /// <summary>Removes what a process left that was taken down.</summary>
    /// <param name="path">Its folder, as it has told; null where it told none.</param>
    public static void Remove(string? path)
    {
        if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
    }

    public void Dispose() => Remove(Path);
}
