using Loadline.Checkpoints;
using Loadline.Reading;
using Loadline.Tensors;
using Loadline.Tensors.Engines;
using Loadline.Tensors.Memory;

namespace Loadline.Unit.Reading;

/// <summary>What comes through a ring is what is in the file, whichever way it is read.</summary>
public class ThroughRingTests
{
    [Theory]
    [MemberData(nameof(Fixtures.Readable), MemberType = typeof(Fixtures))]
    public void Every_byte_arrives_past_the_page_cache_and_through_it(string name)
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path(name));

        Load(checkpoint, isDirect: true, readers: 2);
        Load(checkpoint, isDirect: false, readers: 2);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void So_does_what_is_larger_than_the_ring(int readers)
    {
        using var folder = new TemporaryFolder(onDisk: true);
        using var checkpoint = LargeCheckpoint.Create(folder["w.safetensors"], tensors: 3, mebibytesEach: 7);

        Load(checkpoint, isDirect: true, readers);
    }

    private static void Load(Checkpoint checkpoint, bool isDirect, int readers)
    {
        checkpoint.ReadPolicy = new(ReadsAhead: true, DropsBehind: false, ReadsDirect: isDirect);
        var engine = new NativeEngine();
        var storages = WeightLayout.For(checkpoint, checkpoint.Entries, null, Device.Parse("sim:1GiB")).Storages;
        var targets = storages.Select(s => new Destination(s, engine.Allocate(Device.Cpu, s.Bytes))).ToList();
        using var source = new WeightSource(checkpoint);
        using (var ring = new Ring(engine, 4 * ByteSize.MiB, isCopiedLater: false))
        {
            WeightReads.ThroughRing(source, targets, ring, new ImmediateUploads(ring), readers);
        }

        checkpoint.ReadPolicy = default;
        foreach (var (layout, target) in targets)
        {
            var expected = new byte[layout.Bytes];
            source.Read(layout, 0, expected);
            ((HostStorage)target).Slice(0, expected.Length).SequenceEqual(expected).Should().BeTrue($"{layout.Tensors[0].Name} is compared");
            target.Release();
        }

        engine.Host.CurrentBytes.Should().Be(0);
    }
}
