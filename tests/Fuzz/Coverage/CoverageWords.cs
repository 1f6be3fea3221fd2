using System.Text;

namespace Loadline.Fuzz.Coverage;

/// <summary>Words that a fuzzer would take long to find by itself. Those of the mutations, and the names that readers look for.</summary>
internal static class CoverageWords
{
    private static readonly string[] Names =
    [
        "torch", "collections", "OrderedDict", "_rebuild_tensor_v2", "_rebuild_parameter", "_rebuild_from_type_v2", "FloatStorage",
        "BoolStorage", "storage", "UntypedStorage", "cpu", "_parameters", "_buffers", "_modules", "_non_persistent_buffers_set", "numpy",
        "_reconstruct", "ndarray", "dtype", "scalar", "state_dict_metadata", "storage_data", "planner_data", "relative_path", "offset",
        "length", "chunks", "sizes", "size", "properties", "fqn", "index", "TensorStorageMetadata", "ChunkStorageMetadata",
        "BytesStorageMetadata", "__dict__", "data_offsets", "shape", "__metadata__", "F32", "BF16", "BOOL", "F8_E4M3",
    ];

    private static readonly string[] Records = ["data.pkl", "data/0", "version", "byteorder", "little", "big"];

    public static IReadOnlyList<byte[]> Pickle { get; } = [.. PickleMutations.Words, .. Names.Select(n => PickleString(n))];

    public static IReadOnlyList<byte[]> Json { get; } = [.. JsonMutations.Words, .. Names.Select(n => Encoding.Latin1.GetBytes($"\"{n}\""))];

    public static IReadOnlyList<byte[]> Zip { get; } = [.. ZipMutations.Words, .. Records.Select(Encoding.Latin1.GetBytes)];

    private static byte[] PickleString(string text) => [(byte)'X', (byte)text.Length, 0, 0, 0, .. Encoding.Latin1.GetBytes(text)];
}
