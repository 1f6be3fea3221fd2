using System.Text.Json;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Json;
using Loadline.Tensors;

namespace Loadline.DeviceMaps;

/// <summary>Which device each tensor of a checkpoint goes to. The longest prefix of a tensor's name decides; prefixes end at dots.</summary>
public sealed class DeviceMap
{
    // A line for each tensor of the largest models is far below it.
    private const int MaxFileBytes = 50_000_000;

    // A dotted name and a device's; 11 can be made to do.
    private const int BytesPerMember = 24;

    private readonly Dictionary<string, Device> _byTensor = [];

    internal DeviceMap(DeviceList devices, IReadOnlyList<KeyValuePair<string, Device>> prefixes) => (Devices, Prefixes) = (devices, prefixes);

    /// <summary>The devices that the map may use, in the order in which they were filled.</summary>
    public DeviceList Devices { get; }

    /// <summary>Prefixes and their devices, in the order of the model.</summary>
    public IReadOnlyList<KeyValuePair<string, Device>> Prefixes { get; }

    /// <summary>The prefixes and the names of their devices, as a map is written and given back.</summary>
    public IReadOnlyDictionary<string, string> Names => Prefixes.ToDictionary(p => p.Key, p => p.Value.NameInList);

    /// <summary>Where a tensor goes.</summary>
    /// <exception cref="KeyNotFoundException">The checkpoint has no such tensor.</exception>
    public Device DeviceOf(string tensor) => _byTensor.TryGetValue(tensor, out var device) ? device : throw new KeyNotFoundException($"there is no tensor '{tensor}'");

    /// <summary>Reads a map that was saved: a JSON object of prefixes and device names.</summary>
    /// <exception cref="DeviceMapException">There is no such file, or it is no map.</exception>
    public static IReadOnlyDictionary<string, string> ReadFile(string path)
    {
        try
        {
            return Read(SourceFile.ReadWhole(path, MaxFileBytes, "the map"));
        }
        catch (CheckpointException e)
        {
            throw new DeviceMapException($"{path}: is no rule ({string.Join(", ", MapRules.Names)}), and no map that can be read: {e.Problem}");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new DeviceMapException($"{path}: is no device map, which is a JSON object of prefixes and devices: {JsonProblem.Of(e)}");
        }
    }

    private static Dictionary<string, string> Read(ReadOnlySpan<byte> json)
    {
        // As PowerShell writes it.
        if (json.StartsWith("\ufeff"u8)) json = json[3..];
        var reader = new Utf8JsonReader(json);
        var map = new Dictionary<string, string>();
        var most = TensorLimit.Of(json.Length, BytesPerMember);
        JsonMembers.Expect(ref reader, JsonTokenType.StartObject, "an object");
        while (JsonMembers.Next(ref reader) is { } prefix)
        {
            if (map.Count == most) throw new JsonException($"it has more than {most} members in {json.Length} bytes");
            reader.Read();
            if (reader.TokenType != JsonTokenType.String) throw new JsonException($"'{NameList.Of([prefix])}' has no device");
            if (!map.TryAdd(prefix, reader.GetString()!)) throw new JsonException($"'{NameList.Of([prefix])}' stands there twice");
        }

        JsonMembers.End(ref reader);
        return map;
    }

    internal void Put(string tensor, Device device) => _byTensor[tensor] = device;
}
