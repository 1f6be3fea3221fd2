using System.Runtime.InteropServices;
using System.Text.Unicode;
using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Index;
using Loadline.Checkpoints.Pickles;

namespace Loadline.Checkpoints.Dat;

/// <summary>
/// Reads what TorchSharp's <c>Module.save</c> writes: the number of tensors, then for each its name, element type and shape, all lengths and numbers
/// in ULEB128, and its bytes. There is no magic number, no version and no alignment. Source: TorchSharp's Module.cs and its exportsd.py.
/// </summary>
internal static class DatReader
{
    // What the other formats set as the limit for ranks; names are dotted paths of a few dozen bytes.
    private const int MaxRank = 64;
    public const int MaxNameBytes = 64 << 10;

    // Each is read, decoded, looked up and kept.
    private const int StepsPerTensor = 80;
    private const int NamePerStep = 4;

    // A dotted name and a shape: 5 can be made to do.
    private const int BytesPerTensor = 24;

    private const int BytesPerLoad = 400;

    // Length and one byte of a name, type, rank.
    private const int LeastBytesPerTensor = 4;

    /// <summary>Whether a file starts as one: with a count that it can hold and one whole, believable description of a tensor.</summary>
    public static bool Recognises(SourceFile file)
    {
        try
        {
            var cursor = new DatCursor(file);
            var count = cursor.ReadNumber("the count");
            return count == 0
                ? file.Length == 1
                : count <= file.Length / LeastBytesPerTensor && ReadDescription(file, cursor).Type < ScalarTypes.Count;
        }
        catch (CheckpointException e) when (e.Error != CheckpointError.Unreadable)
        {
            return false;
        }
    }

    /// <summary>Whether a file that is another of TorchSharp's is one from its first byte to its last, as TorchSharp reads it: to it a name may come twice.</summary>
    public static bool Fits(SourceFile file)
    {
        try
        {
            var cursor = new DatCursor(file);
            // Where a module has its count, the others have a type, or the length of a name: it is never large.
            for (var left = cursor.ReadNumber("the count"); left > 0; left--)
            {
                var description = ReadDescription(file, cursor);
                cursor.Skip(Locate(file, description, cursor.Position).Storage.Bytes);
            }

            return cursor.Position == file.Length;
        }
        catch (CheckpointException e) when (e.Error != CheckpointError.Unreadable)
        {
            return false;
        }
    }

    public static CheckpointIndex Read(SourceFile file)
    {
        var cursor = new DatCursor(file);
        var count = cursor.ReadNumber("the count");
        var names = new HashSet<string>();
        var entries = new List<TensorEntry>();
        var (descriptionBytes, dimensions) = (0L, 0L);
        while (entries.Count < count)
        {
            var start = cursor.Position;
            var description = ReadDescription(file, cursor);
            descriptionBytes += cursor.Position - start;
            dimensions += description.Shape.Length;
            RequireFew(file, entries.Count, dimensions, descriptionBytes);
            file.Ledger.Work(StepsPerTensor + description.Name.Length / NamePerStep);
            file.Ledger.Charge(MemoryOf(description.Name, description.Shape.Length));
            var entry = Locate(file, description, cursor.Position);
            if (!names.Add(entry.Name)) throw Refuse(file, CheckpointError.Malformed, "stands in the file twice", entry.Name);
            entries.Add(entry);
            cursor.Skip(entry.Storage.Bytes);
        }

        if (cursor.Position < file.Length)
        {
            throw file.Refuse(CheckpointError.Malformed, $"has {file.Length - cursor.Position} bytes behind the last of its {count} tensors, which ends at {cursor.Position}");
        }

        return new CheckpointIndex(file.Path, CheckpointFormat.Dat, [file.Path], entries, new Dictionary<string, string>(), new FileReads(file));
    }

    /// <summary>What a tensor takes. A description is so short here that a load's own share of it counts, which other formats' pay for.</summary>
    public static long MemoryOf(string name, int rank) => TensorLimit.MemoryOf(name, rank) + BytesPerLoad;

    /// <summary>Refuses one more tensor than so many bytes of descriptions are good for, and descriptions that are longer than the header of any other format may be.</summary>
    public static void RequireFew(SourceFile file, int tensors, long dimensions, long descriptionBytes)
    {
        if (descriptionBytes > PickleInput.MaxBytes)
            throw file.Refuse(CheckpointError.LimitExceeded, $"describes its tensors in {descriptionBytes} bytes, more than the limit of {PickleInput.MaxBytes}");
        if (tensors >= TensorLimit.Of(descriptionBytes, BytesPerTensor))
            throw file.Refuse(CheckpointError.LimitExceeded, $"describes more than {tensors} tensors in {descriptionBytes} bytes");
        if (dimensions > TensorLimit.Dimensions(tensors + 1))
            throw file.Refuse(CheckpointError.LimitExceeded, $"{dimensions} dimensions in {tensors + 1} tensors, more than any model has");
    }

    private static Description ReadDescription(SourceFile file, DatCursor cursor)
    {
        var nameBytes = cursor.ReadNumber("the length of a name");
        if (nameBytes is 0 or > MaxNameBytes)
        {
            throw file.Refuse(CheckpointError.LimitExceeded, $"the name before {cursor.Position} has {nameBytes} bytes, which is not between 1 and {MaxNameBytes}");
        }

        // To TorchSharp half a surrogate is no text, and each such name the same one.
        var bytes = cursor.Take((int)nameBytes, "a name");
        if (!Utf8.IsValid(bytes) || !PythonText.TryDecode(bytes, out var name) || HasControls(name))
        {
            throw file.Refuse(CheckpointError.Malformed, $"the name before {cursor.Position} is no text");
        }

        var type = cursor.ReadNumber("an element type");
        var rank = cursor.ReadNumber("a rank");
        if (rank > MaxRank) throw Refuse(file, CheckpointError.LimitExceeded, $"has {rank} dimensions, more than the limit of {MaxRank}", name);
        var shape = new long[rank];
        for (var d = 0; d < shape.Length; d++) shape[d] = cursor.ReadNumber("a size");
        return new Description(name, type, shape);
    }

    // A plain loop: an enumerator takes ten times as long.
    private static bool HasControls(string name)
    {
        foreach (var c in name)
        {
            if (char.IsControl(c)) return true;
        }

        return false;
    }

    private static TensorEntry Locate(SourceFile file, Description tensor, long position)
    {
        if (ScalarTypes.QuantizedName(tensor.Type) is { } quantized)
        {
            throw Refuse(file, CheckpointError.Unsupported, $"is quantized ({quantized}): save tensor.dequantize() instead", tensor.Name);
        }

        var dtype = ScalarTypes.Find(tensor.Type) ?? throw Refuse(file, CheckpointError.Malformed, $"has element type {tensor.Type}, which TorchSharp does not have", tensor.Name);
        var bytes = ByteCount(dtype, tensor.Shape);
        if (bytes is null || bytes > file.Length - position)
        {
            throw Refuse(
                file, CheckpointError.Truncated,
                $"of shape {Shapes.Format(tensor.Shape)} and {dtype} needs {bytes?.ToString() ?? "more than 2^63"} bytes at {position}, but the file ends at {file.Length}",
                tensor.Name);
        }

        var storage = new StorageEntry(file.Path, position, bytes.Value);
        return new TensorEntry(tensor.Name, dtype, ImmutableCollectionsMarshal.AsImmutableArray(tensor.Shape), Shapes.ContiguousStrides(tensor.Shape), 0, storage);
    }

    private static long? ByteCount(DType dtype, long[] shape)
    {
        try
        {
            return dtype.ByteCount(Shapes.ElementCount(shape));
        }
        catch (OverflowException)
        {
            return null;
        }
    }

    private static CheckpointException Refuse(SourceFile file, CheckpointError error, string problem, string tensor) => new(error, file.Path, problem, tensor);

    private readonly record struct Description(string Name, long Type, long[] Shape);
}
