using System.Runtime.InteropServices;
using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Index;

namespace Loadline.Checkpoints.Dat;

/// <summary>
/// The other files that TorchSharp writes with the same codec: one tensor without a name (<c>Tensor.Save</c>), and the state of an optimizer
/// (<c>save_state_dict</c>), whose tensors are named as PyTorch's are, <c>state.0.exp_avg</c>. Source: TorchSharp's TensorExtensionMethods.cs and
/// Optimizers/*.cs of 0.105.
/// </summary>
internal static class DatTensors
{
    // A double for the initial learning rate and one for the current.
    private const int RateBytes = 16;
    private const int StepBytes = 8;
    private const int StepsPerState = 8;

    private static readonly Optimizer[] Optimizers =
    [
        new("ASGD", OptionBytes: 33, StateBytes: StepBytes + 16, ["ax"]),
        new("Adadelta", OptionBytes: 25, StateBytes: StepBytes, ["square_avg", "acc_delta"]),
        new("Adagrad", OptionBytes: 32, StateBytes: StepBytes, ["sum"]),
        new("Adam", OptionBytes: 34, StateBytes: StepBytes, ["exp_avg", "exp_avg_sq", "max_exp_avg_sq?"]),
        new("AdamW", OptionBytes: 34, StateBytes: StepBytes, ["exp_avg", "exp_avg_sq", "max_exp_avg_sq?"]),
        new("Adamax", OptionBytes: 32, StateBytes: StepBytes, ["exp_avg", "exp_inf"]),
        new("NAdam", OptionBytes: 40, StateBytes: StepBytes + 8, ["exp_avg", "exp_avg_sq"]),
        new("RAdam", OptionBytes: 32, StateBytes: StepBytes, ["exp_avg", "exp_avg_sq"]),
        new("RMSProp", OptionBytes: 34, StateBytes: StepBytes, ["square_avg", "momentum_buffer?", "grad_avg?"]),
        new("Rprop", OptionBytes: 33, StateBytes: StepBytes, ["prev", "step_size"]),
        new("SGD", OptionBytes: 26, StateBytes: 0, ["momentum_buffer?"]),
    ];

    /// <summary>Whether a file is one tensor: its type, its shape, and just as many bytes as these need.</summary>
    public static bool RecognisesTensor(SourceFile file) => Try(() =>
    {
        var cursor = new DatCursor(file);
        var entry = ReadTensor(file, cursor, "");
        return entry is not null && cursor.Position + entry.Storage.Bytes == file.Length;
    });

    /// <summary>Reads it: a bare tensor has the empty name.</summary>
    public static CheckpointIndex ReadTensor(SourceFile file) => Open(file, [ReadTensor(file, new DatCursor(file), "")!]);

    /// <summary>Whether a file starts with an optimizer's name.</summary>
    public static bool RecognisesOptimizer(ReadOnlySpan<byte> head) => Find(head) is not null;

    /// <summary>Reads the state of an optimizer.</summary>
    /// <exception cref="CheckpointException">A state is not as that optimizer writes it.</exception>
    public static CheckpointIndex ReadOptimizer(SourceFile file)
    {
        var optimizer = Find(file.Head)!;
        var cursor = new DatCursor(file);
        cursor.Skip(1 + optimizer.Name.Length);
        var (groups, states) = (cursor.ReadNumber("the count of parameter groups"), cursor.ReadNumber("the count of states"));
        var groupBytes = RateBytes + optimizer.OptionBytes;
        if (groups > (file.Length - cursor.Position) / groupBytes) throw Short(groups, "parameter groups");
        cursor.Skip(groups * groupBytes);
        // At least what one takes: a flag, or a type and a rank.
        if (states > file.Length - cursor.Position) throw Short(states, "states");
        var entries = new List<TensorEntry>();
        // Of what follows, all but the weights describes; groups are no reason for tensors either.
        var (start, weightBytes, dimensions) = (cursor.Position, 0L, 0L);
        for (var state = 0L; state < states; state++)
        {
            // One without tensors takes no more than a byte, and none of the disk where that byte lies in a hole.
            file.Ledger.Work(StepsPerState);
            cursor.Take(optimizer.StateBytes, "a step");
            foreach (var field in optimizer.Tensors)
            {
                if (field.EndsWith('?') && cursor.Take(1, "a flag")[0] == 0) continue;
                var name = $"state.{state}.{field.TrimEnd('?')}";
                var entry = ReadTensor(file, cursor, name) ?? throw new CheckpointException(CheckpointError.Malformed, file.Path, "is of no type or size that TorchSharp has", name);
                dimensions += entry.Shape.Length;
                DatReader.RequireFew(file, entries.Count, dimensions, cursor.Position - start - weightBytes);
                file.Ledger.Charge(DatReader.MemoryOf(name, entry.Shape.Length));
                entries.Add(entry);
                cursor.Skip(entry.Storage.Bytes);
                weightBytes += entry.Storage.Bytes;
            }
        }

        if (cursor.Position != file.Length) throw file.Refuse(CheckpointError.Malformed, $"has {file.Length - cursor.Position} bytes behind the last state of its optimizer, {optimizer.Name}");
        return Open(file, entries, new Dictionary<string, string> { ["optimizer"] = optimizer.Name });

        CheckpointException Short(long count, string what) =>
            file.Refuse(CheckpointError.Truncated, $"is the state of a TorchSharp optimizer, {optimizer.Name}, and declares {count} {what}, for which it is too short");
    }

    private static CheckpointIndex Open(SourceFile file, IReadOnlyList<TensorEntry> entries, Dictionary<string, string>? metadata = null) =>
        new(file.Path, CheckpointFormat.Dat, [file.Path], entries, metadata ?? [], new FileReads(file));

    // As .NET's BinaryWriter writes a string: its length, and the text.
    private static Optimizer? Find(ReadOnlySpan<byte> head)
    {
        foreach (var optimizer in Optimizers)
        {
            if (head.Length > optimizer.Name.Length + 2 && head[0] == optimizer.Name.Length
                && System.Text.Ascii.Equals(head.Slice(1, optimizer.Name.Length), optimizer.Name)) return optimizer;
        }

        return null;
    }

    /// <summary>A tensor without its bytes; null where it is of no type or size that can be.</summary>
    private static TensorEntry? ReadTensor(SourceFile file, DatCursor cursor, string name)
    {
        var (type, rank) = (cursor.ReadNumber("an element type"), cursor.ReadNumber("a rank"));
        if (rank > TensorLimit.MaxRank || ScalarTypes.Find(type) is not { } dtype) return null;
        var shape = new long[rank];
        for (var d = 0; d < shape.Length; d++) shape[d] = cursor.ReadNumber("a size");
        try
        {
            var bytes = dtype.ByteCount(Shapes.ElementCount(shape));
            return bytes > file.Length - cursor.Position
                ? null
                : new TensorEntry(name, dtype, ImmutableCollectionsMarshal.AsImmutableArray(shape), Shapes.ContiguousStrides(shape), 0,
                    new StorageEntry(file.Path, cursor.Position, bytes));
        }
        catch (OverflowException)
        {
            return null;
        }
    }

    private static bool Try(Func<bool> read)
    {
        try
        {
            return read();
        }
        catch (CheckpointException e) when (e.Error != CheckpointError.Unreadable)
        {
            return false;
        }
    }

    private sealed record Optimizer(string Name, int OptionBytes, int StateBytes, string[] Tensors);
}
