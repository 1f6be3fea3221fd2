using Loadline.Checkpoints;
using Loadline.Reading;
using Loadline.Strategies;
using Loadline.Tensors;
using Loadline.Tensors.Engines;

namespace Loadline.Unit.Strategies;

/// <summary>The parts behind the words of strategies, each by itself.</summary>
public sealed class WordsTests : IDisposable
{
    private static readonly Device Sim = Device.Parse("sim:1GiB");

    private readonly NativeEngine _engine = new();
    private readonly Checkpoint _checkpoint = Checkpoint.Open(Fixtures.Path("gpt2-tiny.safetensors"));
    private readonly WeightLayout _layout;
    private int _asked;

    public WordsTests() => _layout = WeightLayout.For(_checkpoint, _checkpoint.Entries, null, Device.Cpu);

    public void Dispose()
    {
        _checkpoint.Dispose();
        _engine.Dispose();
    }

    [Fact]
    public void Memory_frees_what_it_handed_out_but_for_the_model_that_is_handed_over()
    {
        Model model;
        using (var memory = new TargetMemory(_engine))
        {
            model = memory.Initialised(_layout.Storages, Device.Cpu);
            memory.Targets(memory.Empty(), _layout.Storages, Device.Cpu).Count.Should().Be(_layout.Storages.Length);
            _engine.Host.CurrentBytes.Should().Be(2 * _checkpoint.StorageBytes);
            memory.HandOver(model);
        }

        _engine.Host.CurrentBytes.Should().Be(_checkpoint.StorageBytes);
        model.Dispose();
        _engine.Host.CurrentBytes.Should().Be(0);
    }

    [Fact]
    public void Input_asks_for_the_policy_once_and_not_for_what_is_mapped()
    {
        using var input = Input();

        input.Map(_layout.Storages[0]).Release();
        _asked.Should().Be(0);
        _ = input.Reads();
        _ = input.Reads();
        _asked.Should().Be(1);
        _engine.Host.PeakBytes.Should().Be(0);
    }

    [Fact]
    public void A_storage_that_goes_over_the_host_leaves_nothing_there()
    {
        using var input = Input();
        var transfers = new Transfers(_engine, input, readers: 2, ringBytes: LoadOptions.SmallestRingBytes);

        var storage = transfers.OverHost(Sim, _layout.Storages[0]);

        storage.Device.Should().Be(Sim);
        (_engine.Host.PeakBytes, _engine.Host.CurrentBytes, _engine.Accelerator.CurrentBytes).Should().Be((storage.Bytes, 0, storage.Bytes));
        storage.Release();
        _engine.Accelerator.CurrentBytes.Should().Be(0);
    }

    private WeightInput Input() => new(_engine, _checkpoint, hasConversions: false, map: null, () => MappingAdvice.None, () =>
    {
        _asked++;
        return default;
    });
}
