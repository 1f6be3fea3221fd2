namespace Loadline.Fuzz.Coverage;

/// <summary>An input is a whole file: an archive (<c>zip</c>), or pickles with storages behind them (<c>legacy</c>).</summary>
internal sealed class FileTarget(string name, IReadOnlyList<byte[]> words) : CoverageTarget
{
    public override string Name => name;

    public override IReadOnlyList<byte[]> Words => words;

    public override string Write(byte[] input, string scratch)
    {
        var path = Path.Combine(scratch, "input.pth");
        File.WriteAllBytes(path, input);
        return path;
    }

    protected override byte[]? SeedOf(string file, byte[] contents) => contents switch
    {
        [(byte)'P', (byte)'K', ..] when name == "zip" => contents,
        [0x80, ..] when name == "legacy" && Path.GetFileName(file) != ".metadata" => contents,
        _ => null,
    };
}
