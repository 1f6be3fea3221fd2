using Loadline.Checkpoints;
using Loadline.Checkpoints.Files;
using Loadline.Strategies;
using Loadline.Tensors;
using Loadline.Tensors.Engines;
using Loadline.Unit.Strategies;

namespace Loadline.Unit.Faults;

/// <summary>A strategy on a device, and a copy of a small fixture that a test may break.</summary>
internal sealed class LoadCase : IDisposable
{
    // One of each format and of each kind of reading: whole, gathered from views, inflated.
    private static readonly string[] Fixtures =
        ["tied.pth", "views.pth", "odd/deflated.pth", "odd/legacy-views.pth", "odd/dtypes.dat", "gpt2-tiny.safetensors", "gpt2-tiny-sharded", "gpt2-tiny-parameters"];

    private static readonly string[] Devices = ["cpu", "sim:1GiB"];

    private readonly TemporaryFolder _folder = new();

    public LoadCase(string strategy, string device, string fixture)
    {
        Options = new LoadOptions { Strategy = strategy, Device = Device.Parse(device), RingBytes = 3 * ByteSize.MiB, Readers = 3 };
        Path = _folder[System.IO.Path.GetFileName(fixture)];
        var source = Unit.Fixtures.Path(fixture);
        if (!Directory.Exists(source)) _ = _folder.CopyOf(source);
        else foreach (var file in FewOf(source)) Copy(file, Directory.CreateDirectory(Path).FullName);
    }

    /// <summary>Every strategy, device and format; what cannot be mapped at all is not asked for.</summary>
    public static TheoryData<string, string, string> All => new(
        from strategy in StrategyCatalog.All
        from device in Devices
        from fixture in Fixtures
        where !(strategy.NeedsMapping && fixture == "odd/deflated.pth")
        select (strategy.Name, device, fixture));

    public LoadOptions Options { get; }

    public string Path { get; }

    public string Folder => _folder.Path;

    public Checkpoint Open(PositionedReads? reads = null) => Checkpoint.Open(Path, reads ?? PositionedReads.OfTheKernel);

    public Model Load(Checkpoint checkpoint, Engine engine) => Loader.Load(checkpoint, Options, engine);

    /// <summary>The load goes well and gives the fixture's bytes.</summary>
    public void ShouldLoad()
    {
        using var checkpoint = Open();
        using var model = Load(checkpoint, Engine.Create(Options.Engine));
        foreach (var entry in checkpoint.Entries) model[entry.Name].ShouldHold(Checkpoints.NaiveBytes.Read(checkpoint, entry));
    }

    public void Dispose() => _folder.Dispose();

    // Every file of a folder of one tensor each is read alike.
    private static IEnumerable<string> FewOf(string folder) => folder.EndsWith("-parameters", StringComparison.Ordinal)
        ? Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal).Take(3)
        : Directory.EnumerateFiles(folder);

    private static void Copy(string file, string folder) => File.WriteAllBytes(System.IO.Path.Combine(folder, System.IO.Path.GetFileName(file)), File.ReadAllBytes(file));
}
