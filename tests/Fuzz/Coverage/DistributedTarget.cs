namespace Loadline.Fuzz.Coverage;

/// <summary>An input is the <c>.metadata</c> of a folder of torch.distributed.checkpoint, whose parts are what four ranks wrote.</summary>
internal sealed class DistributedTarget : CoverageTarget
{
    private static readonly string Parts = Path.Combine(Corpus.Root, "folders", "dcp-4-ranks");

    public override string Name => "dcp";

    public override IReadOnlyList<byte[]> Words => CoverageWords.Pickle;

    public override string Write(byte[] input, string scratch)
    {
        var folder = Path.Combine(scratch, "dcp");
        if (!Directory.Exists(folder))
        {
            Directory.CreateDirectory(folder);
            foreach (var part in Directory.GetFiles(Parts, "*.distcp")) File.Copy(part, Path.Combine(folder, Path.GetFileName(part)));
        }

        File.WriteAllBytes(Path.Combine(folder, ".metadata"), input);
        return folder;
    }

    protected override byte[]? SeedOf(string file, byte[] contents) => Path.GetFileName(file) == ".metadata" ? contents : null;
}
