namespace Loadline.Unit.Harness.Runtimes.Cgroups;

/// <summary>A copy of the files that a kernel shows, in a folder that goes away with the test.</summary>
internal sealed class RecordedTree : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public string Root => _folder.Path;

    public void Dispose() => _folder.Dispose();

    public RecordedTree With(string path, string text)
    {
        var file = PathOf(path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
        return this;
    }

    public string PathOf(string path) => Path.Join(Root, path);
}
