using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Pickles;

namespace Loadline.Checkpoints.Zero;

/// <summary>One rank's <c>*_optim_states.pt</c>: its part of the float32 weights, a flat vector for each parameter group.</summary>
/// <param name="Stage">1, 2 or 3.</param>
/// <param name="Count">Over how many ranks the weights are divided.</param>
/// <param name="Groups">The vectors.</param>
internal sealed record ZeroPartition(int Stage, int Count, List<TensorEntry> Groups)
{
    private const string StageClass = "deepspeed.runtime.zero.config.ZeroStageEnum";

    /// <summary>Reads one; null where it is no optimizer of ZeRO.</summary>
    public static ZeroPartition? Read(SourceFile file)
    {
        var archive = new ZeroArchive(file);
        if (DictionaryOf(file, archive.Root, "what it holds") is not { } states) return null;
        if (DictionaryOf(file, states.Find("optimizer_state_dict", file.Ledger), "its optimizer_state_dict") is not { } optimizer) return null;
        if (optimizer.Find("zero_stage", file.Ledger) is not { } said) return null;
        if (StageOf(said) is not { } stage) throw file.Refuse(CheckpointError.Malformed, "says its ZeRO stage by what is neither a number nor DeepSpeed's own enumeration");
        if (stage is < 1 or > 3) throw file.Refuse(CheckpointError.Unsupported, $"is of ZeRO's stage {stage}: stages 1 to 3 are known");
        var key = stage == 3 ? "fp32_flat_groups" : "single_partition_of_fp32_groups";
        // The script puts them in a row, which it does of no set.
        var groups = optimizer.Find(key, file.Ledger) as PickleContainer;
        if (groups is not (PickleList or PickleTuple)) throw file.Refuse(CheckpointError.Malformed, $"is of ZeRO's stage {stage}, but has {(groups is null ? $"no {key}" : $"a {key} that is no list")}");
        if (Number(optimizer.Find("partition_count", file.Ledger), file.Ledger) is not { } count) throw file.Refuse(CheckpointError.Malformed, "does not say into how many parts the weights are divided");
        var vectors = PickleLooks.ItemsOf(groups, file.Ledger).ConvertAll(group => VectorOf(file, key, group, archive.Locate));
        archive.RefuseOverlaps();
        return new ZeroPartition(stage, count, vectors);
    }

    /// <summary>A dictionary; null for any other value but one that a function makes, which may be one to the script.</summary>
    public static PickleDictionary? DictionaryOf(SourceFile file, object? value, string what) => value is OpaqueValue
        ? throw file.Refuse(CheckpointError.Malformed, $"has ZeRO's name, and {what} is made by a function")
        : value as PickleDictionary;

    private static TensorEntry VectorOf(SourceFile file, string key, object? group, Func<string, TensorValue, TensorEntry> locate)
    {
        file.Ledger.Charge(ZeroModelStates.BytesPerEntry);
        return group is TensorValue tensor && locate(key, tensor) is var vector && vector is { Shape.Length: 1, IsContiguous: true } && vector.DType == DType.Float32
            ? vector
            : throw file.Refuse(CheckpointError.Malformed, $"has a {key} that is no vector of float32");
    }

    // DeepSpeed's own enumeration, called with a number (Python 3.12), or a member of it by its name (3.11): of what any other class makes, its script may see
    // another one. Source: deepspeed/runtime/zero/config.py.
    private static int? StageOf(object? value) => value switch
    {
        long number and >= 0 and <= int.MaxValue => (int)number,
        OpaqueValue { Name: StageClass, IsMember: false, Arguments.Items: [long and >= 0 and <= int.MaxValue and var stage], States: null, Keywords: null } => (int)stage,
        OpaqueValue { IsMember: true, IsBound: false, States: null } member => StageOfMember(member.Name),
        _ => null,
    };

    private static int? StageOfMember(string name) => name switch
    {
        StageClass + ".disabled" => 0,
        StageClass + ".optimizer_states" => 1,
        StageClass + ".gradients" => 2,
        StageClass + ".weights" or StageClass + ".max_stage" => 3,
        _ => null,
    };

    // Experts may be divided otherwise than the rest: the largest of a list is that of the others. DeepSpeed's script asks for a list, and takes nothing else for one.
    private static int? Number(object? value, Ledger ledger) => value switch
    {
        long number and >= 0 and <= int.MaxValue => (int)number,
        PickleList { Count: > 0 } list when PickleLooks.ItemsOf(list, ledger) is var items && items.TrueForAll(item => item is long) =>
            Number(items.Max(item => (long)item!), ledger),
        _ => null,
    };
}
