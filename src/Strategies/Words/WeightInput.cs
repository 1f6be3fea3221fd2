using Loadline.Checkpoints;
using Loadline.DeviceMaps;
using Loadline.Reading;
using Loadline.Tensors;
using Loadline.Tensors.Engines;
using Loadline.Tensors.Memory;

namespace Loadline.Strategies;

/// <summary>Where the weights of a load come from: the checkpoint's files, mapped, or read by the policy that the cap has room for.</summary>
internal sealed class WeightInput : IDisposable
{
    private readonly Engine _engine;
    private readonly Checkpoint _checkpoint;
    private readonly WeightSource _source;
    private readonly OffloadFolder? _offload;
    private readonly Func<ReadPolicy> _policy;
    private bool _hasPolicy;

    /// <param name="engine">Makes empty storages, and counts the memory in which dtypes are converted.</param>
    /// <param name="checkpoint">The files.</param>
    /// <param name="hasConversions">Whether weights get another dtype on their way.</param>
    /// <param name="map">What a device map wants of the folder for what stays on disk; null where there is no map.</param>
    /// <param name="advice">How the pages of mapped weights come in. Asked before the first is mapped.</param>
    /// <param name="policy">How to read. Asked once, before the first read: whoever only maps weights never needs to know.</param>
    public WeightInput(Engine engine, Checkpoint checkpoint, bool hasConversions, DeviceMapOptions? map, Func<MappingAdvice> advice, Func<ReadPolicy> policy)
    {
        (_engine, _checkpoint, _policy) = (engine, checkpoint, policy);
        _source = new WeightSource(checkpoint, hasConversions ? new ConvertedReads(engine) : null)
        {
            Touches = tensor => engine.Observer.Touches(tensor),
            Advice = advice,
        };
        if (map is not null) _offload = new OffloadFolder(_source, map.OffloadFolder);
    }

    /// <summary>For reading.</summary>
    public WeightSource Reads()
    {
        if (!_hasPolicy) _checkpoint.ReadPolicy = _policy();
        _hasPolicy = true;
        return _source;
    }

    /// <summary>A storage's own pages of its file. An empty range cannot be mapped, and needs no memory either.</summary>
    public Storage Map(WeightStorage storage) => storage.Bytes == 0 ? _engine.Allocate(Device.Cpu, 0) : _source.Map(storage);

    /// <summary>The same of what stays on disk: of an offload folder's file where the checkpoint's does not have it as it is in memory.</summary>
    public Storage MapOrOffload(WeightStorage storage) => storage.Bytes == 0 || storage.IsInFile ? Map(storage) : _offload!.Map(storage);

    public void Dispose()
    {
        _source.Dispose();
        _offload?.Dispose();
    }
}
