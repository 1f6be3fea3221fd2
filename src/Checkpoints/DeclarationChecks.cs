using System.Text;
using Loadline.Checkpoints.Dat;
using Loadline.Checkpoints.PerTensor;

namespace Loadline.Checkpoints;

/// <summary>Whether a format can hold what is declared; asked before anything is written.</summary>
internal static class DeclarationChecks
{
    private const int MaxFileNameBytes = 255;

    /// <summary>Refuses what cannot be written, and returns about how many bytes it takes on the disk, tensors that share counted once.</summary>
    public static long Check(string path, CheckpointFormat format, IReadOnlyList<TensorDeclaration> tensors)
    {
        var byName = new Dictionary<string, TensorDeclaration>(tensors.Count);
        long total = 0;
        foreach (var tensor in tensors)
        {
            if (ShapeProblem(tensor) is { } shape) throw new CheckpointException(CheckpointError.Unsupported, path, shape, tensor.Name);
            var problem = Sharing(tensor, byName) ?? FormatProblem(tensor, format) ?? NameProblem(tensor, format, byName);
            if (problem is var (error, text)) throw new CheckpointException(error, path, text, tensor.Name);
            total = checked(total + DescriptionBytes(tensor, format) + (tensor.SharesWith is null ? tensor.ByteCount : 0));
        }

        return total;
    }

    /// <summary>What names, headers and padding take beside the contents; files of their own end in a block that is half empty.</summary>
    private static long DescriptionBytes(TensorDeclaration tensor, CheckpointFormat format) => tensor.Name.Length + format switch
    {
        CheckpointFormat.Pth => 350,
        CheckpointFormat.Safetensors => 80,
        CheckpointFormat.Sharded => 80 + tensor.Name.Length + 50,
        CheckpointFormat.Dat => 40,
        _ => 1500 + 2048,
    };

    // What no reader takes, ours included.
    private static string? ShapeProblem(TensorDeclaration tensor)
    {
        if (tensor.Shape.IsDefault) return "is declared without a shape";
        if (tensor.Shape.Length > TensorLimit.MaxRank) return $"has {tensor.Shape.Length} dimensions, more than the limit of {TensorLimit.MaxRank}";
        if (tensor.Shape.Any(size => size < 0)) return $"has a size below 0 in its shape {Shapes.Format(tensor.Shape.AsSpan())}";
        try
        {
            _ = tensor.ByteCount;
            return null;
        }
        catch (OverflowException)
        {
            return $"of shape {Shapes.Format(tensor.Shape.AsSpan())} and {tensor.DType} has more bytes than any file";
        }
    }

    private static (CheckpointError, string)? Sharing(TensorDeclaration tensor, Dictionary<string, TensorDeclaration> earlier)
    {
        if (tensor.SharesWith is not { } name) return null;
        if (!earlier.TryGetValue(name, out var other)) return (CheckpointError.Malformed, $"shares with '{name}', which is not declared before it");
        return other.DType == tensor.DType && other.ByteCount == tensor.ByteCount
            ? null
            : (CheckpointError.Malformed, $"of {tensor.ByteCount} bytes of {tensor.DType} shares with '{name}', which has {other.ByteCount} bytes of {other.DType}");
    }

    private static (CheckpointError, string)? FormatProblem(TensorDeclaration tensor, CheckpointFormat format)
    {
        if (format != CheckpointFormat.Pth && tensor.SharesWith is { } other)
        {
            return (CheckpointError.Unsupported, $"shares its bytes with '{other}', which {format.Name()} cannot express: leave one of the two out, or write pth");
        }

        return format switch
        {
            CheckpointFormat.Safetensors or CheckpointFormat.Sharded => SafetensorsProblem(tensor),
            _ when tensor.DType.BytesPerElement == 0 || tensor.DType.BitsPerElement % 8 != 0 =>
                (CheckpointError.Unsupported, $"has dtype {tensor.DType}, which PyTorch does not have: write safetensors"),
            CheckpointFormat.Dat when ScalarTypes.CodeOf(tensor.DType) is null =>
                (CheckpointError.Unsupported, $"has dtype {tensor.DType}, which TorchSharp does not have: write pth"),
            _ => null,
        };
    }

    private static (CheckpointError, string)? SafetensorsProblem(TensorDeclaration tensor)
    {
        if (tensor.DType.SafetensorsName is null) return (CheckpointError.Unsupported, $"has dtype {tensor.DType}, which safetensors does not have: write pth");
        // Its readers multiply in order, and refuse what overflows on the way to a zero.
        Int128 count = 1;
        foreach (var size in (ReadOnlySpan<long>)[.. tensor.Shape, tensor.DType.BitsPerElement])
        {
            if ((count *= size) > ulong.MaxValue) return (CheckpointError.Unsupported, $"is empty, but the other sizes of {Shapes.Format(tensor.Shape.AsSpan())} are too many for safetensors: leave it out");
        }

        return Shapes.ElementCount(tensor.Shape.AsSpan()) * tensor.DType.BitsPerElement % 8 == 0
            ? null
            : (CheckpointError.Unsupported, $"of shape {Shapes.Format(tensor.Shape.AsSpan())} and {tensor.DType} ends inside a byte");
    }

    private static (CheckpointError, string)? NameProblem(
        TensorDeclaration tensor, CheckpointFormat format, Dictionary<string, TensorDeclaration> earlier)
    {
        if (!earlier.TryAdd(tensor.Name, tensor)) return (CheckpointError.Malformed, "is declared twice");
        if (Utf8Text.HasHalfAPair(tensor.Name)) return (CheckpointError.Unsupported, "has half a surrogate pair in its name, which UTF-8 cannot hold");
        return format switch
        {
            CheckpointFormat.Safetensors or CheckpointFormat.Sharded when tensor.Name == "__metadata__" => (CheckpointError.Unsupported, "has the name that safetensors keeps for metadata"),
            CheckpointFormat.PerTensor => FileNameProblem(tensor.Name),
            // The format has no magic number: that names are plain text is how its files are told from any others.
            CheckpointFormat.Dat when tensor.Name.Length == 0 || tensor.Name.Any(char.IsControl) =>
                (CheckpointError.Unsupported, "has an empty name or control characters in it, which no TorchSharp module has: write pth"),
            CheckpointFormat.Dat when Encoding.UTF8.GetByteCount(tensor.Name) > DatReader.MaxNameBytes =>
                (CheckpointError.Unsupported, $"has a name of more than {DatReader.MaxNameBytes} bytes, which no TorchSharp module has: write pth"),
            _ => null,
        };
    }

    private static (CheckpointError, string)? FileNameProblem(string name)
    {
        if (name.AsSpan().ContainsAny('/', '\0')) return (CheckpointError.Unsupported, "has a name that no file can have: write pth or safetensors");
        var bytes = Encoding.UTF8.GetByteCount(name) + PerTensorReader.Extension.Length;
        return bytes <= MaxFileNameBytes
            ? null
            : (CheckpointError.Unsupported, $"needs a file name of {bytes} bytes, more than the limit of {MaxFileNameBytes}: write pth or safetensors");
    }
}
