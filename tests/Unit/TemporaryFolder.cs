namespace Loadline.Unit;

/// <summary>A folder of one test's own, removed with all that is in it.</summary>
/// <param name="onDisk">Whether it lies beside the test program: the system's own folder may be a tmpfs, whose pages nothing evicts.</param>
internal sealed class TemporaryFolder(bool onDisk = false) : IDisposable
{
    public string Path { get; } = onDisk
        ? Directory.CreateDirectory(System.IO.Path.Join(AppContext.BaseDirectory, "scratch", System.IO.Path.GetRandomFileName())).FullName
        : Directory.CreateTempSubdirectory("loadline-").FullName;

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public string[] Names => [.. Directory.GetFileSystemEntries(Path).Select(f => System.IO.Path.GetFileName(f)).Order(StringComparer.Ordinal)];

    public string Write(string name, ReadOnlySpan<byte> bytes)
    {
        File.WriteAllBytes(this[name], bytes);
        return this[name];
    }

    // Not File.Copy, which copies the mode: a fixture may be read-only.
    public string CopyOf(string file) => Write(System.IO.Path.GetFileName(file), File.ReadAllBytes(file));

    public void Dispose()
    {
        // A test may have removed it itself.
        if (Directory.Exists(Path)) Directory.Delete(Path, recursive: true);
    }
}
