using Loadline.Unit.Checkpoints.Pth;
using static Loadline.Unit.Checkpoints.Pth.TinyPickle;

namespace Loadline.Unit.Checkpoints.Folders;

/// <summary>Folders as ranks of a training write them, of one rank, with pickles written out by hand.</summary>
internal static class TinyFolders
{
    private const string Metadata = "torch.distributed.checkpoint.metadata";

    /// <summary>A vector of the archive's four floats.</summary>
    public static string Vector { get; } = Tensor(Storage("0", 4), 0, [4], [1]);

    /// <summary>An instance of a class of torch.distributed.checkpoint, with its attributes.</summary>
    public static string Instance(string name, params ReadOnlySpan<string> attributes) => Global(Metadata, name) + ")\u0081" + Dict(attributes) + "b";

    /// <summary>A tensor of one dimension, in one part.</summary>
    public static string TensorMetadata(long size, string dtype = "float32") => Instance(
        "TensorStorageMetadata", Text("size"), Ints(size), Text("properties"), Instance("TensorProperties", Text("dtype"), Global("torch", dtype)),
        Text("chunks"), "]" + Instance("ChunkStorageMetadata", Text("offsets"), Ints(0), Text("sizes"), Ints(size)) + "a");

    /// <summary>A part of a tensor, or a value: an archive, of which the shortest that torch.save makes is longer than two records.</summary>
    public static byte[] Part(string pickle) => TinyArchive.Of(("a/data.pkl", File(pickle)), ("a/data/0", new byte[16]), ("a/version", "3\n"u8.ToArray()), ("a/byteorder", "little"u8.ToArray()));

    /// <summary>The place of a tensor's part, or of a value: the key and the value of an item of <c>storage_data</c>.</summary>
    public static string Place(string name, bool isTensor, string file, long offset, long length) =>
        Index(name, isTensor) + Instance("_StorageInfo", Text("relative_path"), Text(file), Text("offset"), Int(offset), Text("length"), Int(length));

    public static string Index(string name, bool isTensor) => isTensor
        ? Instance("MetadataIndex", Text("fqn"), Text(name), Text("offset"), Ints(0))
        : Instance("MetadataIndex", Text("fqn"), Text(name));

    /// <summary>Writes a <c>.metadata</c>.</summary>
    /// <param name="folder">Where to.</param>
    /// <param name="described">Names and what describes them.</param>
    /// <param name="places">As <see cref="Place"/> makes them.</param>
    /// <param name="paths">What the planner keeps: None, or names and the ways to them.</param>
    public static void WriteDistributed(TemporaryFolder folder, string described, string places, string paths = "N") =>
        folder.Write(".metadata", File(Instance(
            "Metadata", Text("state_dict_metadata"), "}(" + described + "u", Text("storage_data"), "}(" + places + "u", Text("planner_data"), paths)));

    /// <summary>Writes a folder of ZeRO's stage 2 of one rank.</summary>
    /// <param name="folder">Where to.</param>
    /// <param name="states">Keys and values of the model's states.</param>
    /// <param name="groups">The flat vectors; one of four floats where it is null.</param>
    public static void WriteZero(TemporaryFolder folder, string states, string? groups = null)
    {
        folder.Write("mp_rank_00_model_states.pt", TinyArchive.Of("}(" + states + "u"));
        folder.Write("zero_pp_rank_0_mp_rank_00_optim_states.pt", TinyArchive.Of(ZeroOptimizer(groups ?? "]" + Vector + "a")));
    }

    /// <summary>What the one rank's optimizer says, with the flat vectors.</summary>
    public static string ZeroOptimizer(string groups) => Dict(
        Text("optimizer_state_dict"), Dict(Text("zero_stage"), Int(2), Text("partition_count"), Int(1), Text("single_partition_of_fp32_groups"), groups));
}
