using System.Security.Cryptography;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Assembly;
using Loadline.Checkpoints.Conversion;
using Loadline.Strategies;
using Loadline.Strategies.Planning;
using Loadline.Tensors;
using Loadline.Unit.Tensors;

namespace Loadline.Unit.Strategies;

/// <summary>Checkpoints whose tensors lie in the files of several ranks, under every strategy and on every device.</summary>
public sealed class AssembledLoadTests
{
    private static readonly string[] Folders = ["folders/dcp-4-ranks", "folders/zero-1", "folders/zero-2", "folders/zero-3"];

    public static TheoryData<string, string, string> All => new(
        from strategy in StrategyCatalog.All
        from device in TestEngine.Devices
        from folder in Folders
        select (strategy.Name, device, folder));

    [Theory]
    [MemberData(nameof(All))]
    public void Every_tensor_arrives_as_PyTorch_put_it_together(string strategy, string device, string folder)
    {
        var options = new LoadOptions { Strategy = strategy, Device = Device.Parse(device) };
        var engine = TestEngine.New();
        using var checkpoint = Checkpoint.Open(Fixtures.Path(folder));
        var sizes = LoadSizes.Of(options.LayoutOf(checkpoint), options.RingBytes);
        using (var model = Loader.Load(checkpoint, options, engine))
        {
            var expected = Fixtures.Expected(folder);
            model.Keys.Should().BeEquivalentTo(expected.Keys);
            foreach (var (name, tensor) in model)
            {
                var bytes = BytesOf(checkpoint, name);
                Convert.ToHexStringLower(SHA256.HashData(bytes)).Should().Be(expected[name].Sha256, name);
                tensor.ShouldHold(bytes);
            }

            if (strategy != "auto") engine.Host.PeakBytes.Should().Be(StrategyCatalog.Find(strategy).Peak(sizes, options.Device).HostBytes);
        }

        (engine.Host.CurrentBytes, engine.Accelerator.CurrentBytes).Should().Be((0, 0));
    }

    [Fact]
    public void A_plan_says_what_cannot_stay_mapped()
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path("folders/dcp-4-ranks"));

        var plan = Planner.Plan(checkpoint, new LoadOptions(), new MemoryLimits(ByteSize.GiB, 0));

        plan.Strategies.Single(s => s.Strategy == "mmap-assign").Why.Should().EndWith("lie in parts and cannot stay mapped");
    }

    [Theory]
    [InlineData(CheckpointFormat.Safetensors, "out.safetensors")]
    [InlineData(CheckpointFormat.Sharded, "out")]
    [InlineData(CheckpointFormat.Pth, "out.pth")]
    public void Converted_they_are_whole(CheckpointFormat format, string name)
    {
        using var folder = new TemporaryFolder();
        foreach (var source in Folders)
        {
            using var checkpoint = Checkpoint.Open(Fixtures.Path(source));
            CheckpointConverter.Convert(checkpoint, folder[name], new ConversionOptions { Format = format }, cancellation: TestContext.Current.CancellationToken);

            using var converted = Checkpoint.Open(folder[name]);
            var expected = Fixtures.Expected(source);
            converted.Entries.ToDictionary(e => e.Name, e => Convert.ToHexStringLower(SHA256.HashData(BytesOf(converted, e.Name))))
                .Should().Equal(expected.ToDictionary(e => e.Key, e => e.Value.Sha256));
        }
    }

    private static byte[] BytesOf(Checkpoint checkpoint, string name)
    {
        checkpoint.TryFind(name, out var entry).Should().BeTrue(name);
        var bytes = new byte[entry!.ByteCount];
        if (entry.IsContiguous) checkpoint.Read(entry.Storage, entry.StorageOffset * entry.DType.BytesPerElement, bytes);
        else new TensorPieceReader(checkpoint.Read).Read(entry, 0, bytes);
        return bytes;
    }
}
