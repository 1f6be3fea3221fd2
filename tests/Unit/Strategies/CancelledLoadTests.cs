using Loadline.Checkpoints;
using Loadline.Strategies;
using Loadline.Strategies.Words;
using Loadline.Tensors;
using Loadline.Tensors.Engines;

namespace Loadline.Unit.Strategies;

/// <summary>A load that nobody waits for any more ends with the next read, and everything is free again.</summary>
public sealed class CancelledLoadTests
{
    public static TheoryData<string> Strategies => [.. StrategyCatalog.All.Select(s => s.Name).Where(name => name != "auto")];

    [Theory]
    [MemberData(nameof(Strategies))]
    public void A_load_that_is_cancelled_between_its_headers_and_its_weights_holds_nothing(string strategy)
    {
        using var cancellation = new CancellationTokenSource();
        using var checkpoint = Checkpoint.Open(Fixtures.Path("gpt2-tiny.pth"), new ObservedReads(stream: null, progress: null, cancellation.Token));
        var engine = new NativeEngine();
        var options = new LoadOptions { Strategy = strategy, Device = Device.Sim(ByteSize.GiB) };
        cancellation.Cancel();

        FluentActions.Invoking(() => Loader.Load(checkpoint, options, engine)).Should().Throw<OperationCanceledException>();

        (engine.Host.CurrentBytes, engine.Accelerator.CurrentBytes).Should().Be((0, 0));
    }

    [Fact]
    public void One_that_is_cancelled_before_it_begins_reads_nothing()
    {
        var options = new LoadOptions { Cancellation = new CancellationToken(canceled: true) };
        FluentActions.Invoking(() => Loader.Load(Fixtures.Path("gpt2-tiny.pth"), options)).Should().Throw<OperationCanceledException>();
    }

    [Fact]
    public void One_that_is_not_cancelled_is_a_load()
    {
        using var cancellation = new CancellationTokenSource();
        using var model = Loader.Load(Fixtures.Path("gpt2-tiny.pth"), new LoadOptions { Strategy = "streamed", Cancellation = cancellation.Token });
        using var other = Loader.Load(Fixtures.Path("gpt2-tiny.pth"));

        foreach (var (name, tensor) in other) model[name].AsSpan<float>().SequenceEqual(tensor.AsSpan<float>()).Should().BeTrue(name);
    }
}
