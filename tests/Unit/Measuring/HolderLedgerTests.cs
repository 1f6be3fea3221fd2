using Loadline.Checkpoints;
using Loadline.Measuring;
using Loadline.Strategies;
using Loadline.Tensors;
using Loadline.Tensors.Engines;
using Loadline.Tensors.Memory;
using Loadline.Unit.Gauges;

namespace Loadline.Unit.Measuring;

public class HolderLedgerTests
{
    private static readonly long Weights = Checkpoint.Open(Fixtures.Path("gpt2-tiny.pth")).StorageBytes;

    [Fact]
    public void An_eager_load_holds_the_model_and_the_state_dict()
    {
        var (_, report) = Load("eager", "cpu");

        var host = report!.Holders.Should().ContainSingle().Which;
        (host.Memory, host.Bytes).Should().Be(("host", report.HostBytes));
        host.Uses.Should().BeEquivalentTo([new HeldForUse("model", Weights, report.Tensors), new HeldForUse("state dict", Weights, report.Tensors)]);
        host.Largest.Should().HaveCount(5).And.BeInDescendingOrder(t => t.Bytes).And.OnlyContain(t => t.Tensor != null);
        host.Largest[0].Bytes.Should().Be(host.Largest[1].Bytes, "the largest tensor is held twice");
        host.Largest[0].Tensor.Should().Be(host.Largest[1].Tensor);
    }

    [Theory]
    [InlineData("streamed", "ring", "model")]
    [InlineData("meta-assign", "buffer", "model")]
    [InlineData("sequential", "state dict", "model")]
    public void On_an_accelerator_host_and_device_are_told_apart(string strategy, string onHost, string onDevice)
    {
        var (_, report) = Load(strategy, "sim:1GiB");

        report!.Holders.Select(h => h.Memory).Should().Equal("host", "device");
        report.Holders.Select(h => h.Bytes).Should().Equal(report.HostBytes, report.DeviceBytes);
        report.Holders.Select(h => h.Uses[0].Use).Should().Equal(onHost, onDevice);
    }

    [Fact]
    public void A_load_that_runs_out_of_device_memory_tells_who_filled_it()
    {
        var (events, _) = Load("eager", $"sim:{Weights + 1000}B");

        events[^1].Should().BeOfType<FailedEvent>().Which.Kind.Should().Be("device-oom");
        var held = events.OfType<HoldersEvent>().Last().Holders.Single(h => h.Memory == "device");
        held.Bytes.Should().BeInRange(Weights, Weights + 1000);
        held.Uses[0].Should().Match<HeldForUse>(u => u.Use == "model" && u.Bytes == Weights);
    }

    [Fact]
    public void Growth_is_told_while_it_happens_and_rarely()
    {
        var engine = new NativeEngine();
        var ledger = new HolderLedger(engine);
        var storages = new List<Storage>();
        var told = 0;
        for (var i = 0; i < 1000; i++)
        {
            var storage = engine.Allocate(Device.Cpu, 1000);
            storages.Add(storage);
            ledger.Add(storage);
            if (ledger.HasGrown()) told++;
        }

        told.Should().BeInRange(10, 40);
        ledger.Now().Should().ContainSingle().Which.Bytes.Should().Be(1_000_000);
        storages.ForEach(s => s.Release());
    }

    [Fact]
    public void Summing_up_allocates_nothing()
    {
        var engine = new NativeEngine();
        HashSet<Storage> alive = [.. Enumerable.Range(1, 100).Select(i => engine.Allocate(Device.Cpu, 1000 * i))];
        var tally = new HolderTally("host");

        Allocations.Of(() => tally.Take(alive)).Should().Be(0);

        tally.ToHolders().Largest.Select(t => t.Bytes).Should().Equal(100_000, 99_000, 98_000, 97_000, 96_000);
        foreach (var storage in alive) storage.Release();
    }

    [Fact]
    public void Names_as_long_as_a_checkpoint_may_have_keep_the_report_one_line()
    {
        using var folder = new TemporaryFolder();
        TensorDeclaration[] tensors = [.. Enumerable.Range(0, 5).Select(i => new TensorDeclaration(new string('ä', 30_000) + i, DType.Float32, [4]))];
        using (var writer = CheckpointWriter.Create(folder["a.safetensors"], CheckpointFormat.Safetensors, tensors))
        {
            writer.Write(new byte[5 * 16]);
            writer.Commit();
        }

        var (events, report) = Load("eager", "cpu", folder["a.safetensors"]);

        report.Should().NotBeNull();
        events.Max(e => WorkerJson.Write(e).Length).Should().BeLessThan(1 << 20);
    }

    private static (List<WorkerEvent> Events, LoadReport? Report) Load(string strategy, string device, string? path = null)
    {
        var events = new List<WorkerEvent>();
        MeasuredLoad.Run(new LoadRequest(path ?? Fixtures.Path("gpt2-tiny.pth"), new LoadOptions { Strategy = strategy, Device = Device.Parse(device) }), events.Add);
        return (events, events.OfType<LoadReport>().SingleOrDefault());
    }
}
