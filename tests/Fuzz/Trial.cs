using Loadline.Checkpoints;
using Loadline.Checkpoints.Conversion;
using Loadline.Measuring;
using Loadline.Reading;
using Loadline.Strategies;
using Loadline.Tensors;
using Loadline.Tensors.Engines;

namespace Loadline.Fuzz;

/// <summary>What became of a mutant that broke no rule.</summary>
internal enum Fate
{
    /// <summary>Refused when it was opened.</summary>
    Refused,

    /// <summary>Opened, with more in it than is worth loading here.</summary>
    Opened,

    /// <summary>Opened, loaded and compared byte for byte.</summary>
    Loaded,
}

/// <summary>A mutant did what no file may bring about.</summary>
internal sealed class BrokenRuleException(string message) : Exception(message);

/// <summary>
/// Opens a damaged checkpoint, and loads what opens. The only exception allowed is <see cref="CheckpointException"/> with one printable line; whatever loads has
/// the bytes that a naive reading finds.
/// </summary>
internal static class Trial
{
    private const long LoadedBytes = 8 * ByteSize.MiB;

    private static readonly (string Strategy, Device Device)[] Loads =
        [.. from device in (Device[])[Device.Cpu, Device.Sim(LoadedBytes)] from strategy in StrategyCatalog.All select (strategy.Name, device)];

    public static Fate Run(string path, long number, string scratch)
    {
        try
        {
            using var checkpoint = Checkpoint.Open(path);
            // Twice the weights and one more: what eager takes on its device.
            if (3 * checkpoint.Entries.Sum(e => e.ByteCount) > LoadedBytes || 3 * checkpoint.StorageBytes > LoadedBytes) return Fate.Opened;
            Load(checkpoint, "mmap-assign", Device.Cpu);
            Load(checkpoint, "streamed", Device.Sim(LoadedBytes));
            var (strategy, device) = Loads[number % Loads.Length];
            Load(checkpoint, strategy, device);
            if (number % 4 == 0) Convert(checkpoint, number % 8 == 0 ? CheckpointFormat.Pth : CheckpointFormat.Safetensors, scratch);
            return Fate.Loaded;
        }
        catch (CheckpointException e)
        {
            if (!e.Message.StartsWith(scratch, StringComparison.Ordinal)) throw new BrokenRuleException($"the message does not start with the file: {e.Message}");
            if (e.Message.Any(char.IsControl) || e.Message.Length > 10_000) throw new BrokenRuleException("the message is not one short printable line");
            return Fate.Refused;
        }
    }

    private static void Load(Checkpoint checkpoint, string strategy, Device device)
    {
        var engine = new NativeEngine();
        try
        {
            var options = new LoadOptions { Strategy = strategy, Device = device, RingBytes = LoadOptions.SmallestRingBytes, Readers = 1 };
            using var model = Loader.Load(checkpoint, options, engine);
            new WeightVerifier(checkpoint, readers: 1).Verify(model, checkpoint.Entries);
        }
        catch (CheckpointException e) when (e.Error == CheckpointError.Unsupported)
        {
            // Compressed records cannot be mapped.
        }

        if (engine.Host.CurrentBytes + engine.Accelerator.CurrentBytes > 0) throw new BrokenRuleException($"{strategy} on {device} kept memory");
    }

    private static void Convert(Checkpoint checkpoint, CheckpointFormat format, string scratch)
    {
        var target = Path.Combine(scratch, "converted");
        CheckpointConverter.Convert(checkpoint, target, new ConversionOptions { Format = format });
        using var converted = Checkpoint.Open(target);
        if (converted.Entries.Count != checkpoint.Entries.Count) throw new BrokenRuleException($"conversion to {format.Name()} lost tensors");
    }
}
