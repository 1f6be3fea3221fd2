using System.Buffers.Binary;
using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Index;
using Loadline.Checkpoints.Json;

namespace Loadline.Checkpoints.Safetensors;

/// <summary>
/// Reads safetensors: eight bytes with the header's length, the header in JSON, and one buffer without holes. Accepts and refuses what the reference
/// does (safetensors/src/tensor.rs), except that a name that comes twice is refused, of which the reference silently keeps the last.
/// </summary>
internal static class SafetensorsReader
{
    public const int LengthBytes = 8;
    public const int MaxHeaderBytes = 100_000_000;

    private const int StepsPerHeaderByte = 2;
    private const int BlankBytes = 64 << 10;

    // Read, and looked at many at once.
    private const int BlanksPerStep = 4;

    public static CheckpointIndex Read(SourceFile file)
    {
        var headerBytes = HeaderBytes(file);
        var parsed = Parse(file, headerBytes);
        var dataPosition = LengthBytes + headerBytes;
        var entries = Validate(file, parsed.Tensors, dataPosition);
        return new CheckpointIndex(file.Path, CheckpointFormat.Safetensors, [file.Path], entries, parsed.Metadata, new FileReads(file));
    }

    /// <summary>Whether a file looks like one: a length, and behind it the start of a JSON object.</summary>
    public static bool Recognises(ReadOnlySpan<byte> head)
    {
        if (head.Length < LengthBytes) return false;
        var start = LengthBytes + Blanks(head[LengthBytes..]);
        if (start >= head.Length || head[start] != '{') return false;
        // The length's upper bytes are 0 in every file that can be: text, which has none, is not taken for a damaged header.
        foreach (var b in head[..LengthBytes])
        {
            if (b is 0 or >= 0x80) return true;
        }

        return false;
    }

    /// <summary>The same, however many blanks stand before the object: other readers pass over them.</summary>
    public static bool Recognises(SourceFile file)
    {
        if (Recognises(file.Head)) return true;
        if (file.Length <= file.Head.Length) return false;
        var length = BinaryPrimitives.ReadUInt64LittleEndian(file.Head);
        if (length > MaxHeaderBytes || (long)length > file.Length - LengthBytes || Blanks(file.Head[LengthBytes..]) < file.Head.Length - LengthBytes) return false;
        var piece = new byte[BlankBytes];
        for (long position = file.Head.Length; position < LengthBytes + (long)length; position += piece.Length)
        {
            var part = piece.AsSpan(0, (int)Math.Min(piece.Length, LengthBytes + (long)length - position));
            file.Ledger.Work(part.Length / BlanksPerStep);
            file.Read(position, part, "its header");
            if (Blanks(part) is var blanks && blanks < part.Length) return part[blanks] == '{';
        }

        return false;
    }

    // How many stand at the beginning. A plain loop: the framework's search for others than four values is compiled when a process first opens a file.
    private static int Blanks(ReadOnlySpan<byte> bytes)
    {
        var count = 0;
        while (count < bytes.Length && bytes[count] is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n') count++;
        return count;
    }

    private static int HeaderBytes(SourceFile file)
    {
        var length = BinaryPrimitives.ReadUInt64LittleEndian(file.Head);
        if (length > MaxHeaderBytes)
        {
            throw file.Refuse(CheckpointError.LimitExceeded, $"declares a header of {length} bytes, more than the limit of {MaxHeaderBytes}");
        }

        // Checked before anything is allocated: the file has to be as long as its header claims.
        if ((long)length > file.Length - LengthBytes)
        {
            throw file.Refuse(CheckpointError.Truncated, $"declares a header of {length} bytes, but has only {file.Length - LengthBytes} behind the length");
        }

        return (int)length;
    }

    private static SafetensorsHeader Parse(SourceFile file, int headerBytes)
    {
        using var header = new UnmanagedBytes(headerBytes);
        file.Read(LengthBytes, header.Span, "the header");
        // A thousand shards may be one file by many names, and each is read.
        file.Ledger.Work((long)StepsPerHeaderByte * headerBytes);
        try
        {
            return SafetensorsHeader.Parse(header.Span);
        }
        catch (FormatException e)
        {
            throw new CheckpointException(CheckpointError.Malformed, file.Path, $"the header is refused: {JsonProblem.Of(e)}", inner: e);
        }
    }

    private static TensorEntry[] Validate(SourceFile file, List<DeclaredTensor> tensors, long dataPosition)
    {
        var found = (ulong)(file.Length - dataPosition);
        var names = new HashSet<string>(tensors.Count);
        var entries = new TensorEntry[tensors.Count];
        ulong end = 0;
        tensors.Sort();
        for (var i = 0; i < entries.Length; i++)
        {
            var tensor = tensors[i];
            file.Ledger.Charge(TensorLimit.MemoryOf(tensor.Name, tensor.Shape.Length));
            if (!names.Add(tensor.Name)) throw Refuse(file, tensor, "stands in the header twice");
            CheckSpan(file, tensor, end);
            end = tensor.End;
            if (end > found) throw new CheckpointException(CheckpointError.Truncated, file.Path, $"is cut short: it ends at {end}, but {found} bytes are there", tensor.Name);
            entries[i] = tensor.ToEntry(file.Path, dataPosition);
        }

        if (end < found) throw file.Refuse(CheckpointError.Malformed, $"has {found - end} bytes behind the last tensor, which ends at {end}");
        return entries;
    }

    private static void CheckSpan(SourceFile file, DeclaredTensor tensor, ulong end)
    {
        if (tensor.Begin != end) throw Refuse(file, tensor, $"begins at {tensor.Begin}, but the one before ends at {end}: holes and overlaps are not allowed");
        if (tensor.End < tensor.Begin) throw Refuse(file, tensor, $"ends at {tensor.End}, before it begins at {tensor.Begin}");

        var needed = tensor.ByteCount();
        if (tensor.End - tensor.Begin == needed) return;
        var contents = $"shape {Shapes.Format(tensor.Shape)} of {tensor.DType.SafetensorsName}";
        throw needed is null
            ? Refuse(file, tensor, $"has no size in whole bytes: {contents}")
            : Refuse(file, tensor, $"spans {tensor.End - tensor.Begin} bytes, but {contents} needs {needed}");
    }

    private static CheckpointException Refuse(SourceFile file, DeclaredTensor tensor, string problem) =>
        new(CheckpointError.Malformed, file.Path, problem, tensor.Name);
}
