namespace Loadline.Unit;

/// <summary>A folder of one test's own, removed with all that is in it.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("loadline-").FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public string CopyOf(string file)
    {
        var copy = File(System.IO.Path.GetFileName(file));
        // Not File.Copy, which copies the mode: a fixture may be read-only.
        System.IO.File.WriteAllBytes(copy, System.IO.File.ReadAllBytes(file));
        return copy;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
