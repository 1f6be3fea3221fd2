namespace Loadline.Benchmarks.Steps;

/// <summary>One kind of charge, and the file that has the most work done for its steps.</summary>
/// <param name="Name">What is charged.</param>
/// <param name="FileName">As it is called in the temporary folder.</param>
/// <param name="Make">The file, of about so many bytes.</param>
internal sealed record Family(string Name, string FileName, Func<int, byte[]> Make)
{
    /// <summary>Writes the file and returns its path.</summary>
    public string Write(string folder, int bytes)
    {
        var path = Path.Combine(folder, FileName);
        File.WriteAllBytes(path, Make(bytes));
        return path;
    }

    /// <summary>An archive of torch.save with one pickle.</summary>
    public static Family Of(string name, Func<int, Opcodes> pickle) => new(name, "a.pth", bytes => Archives.Of(pickle(bytes)));
}
