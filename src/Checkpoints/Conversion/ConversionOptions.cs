namespace Loadline.Checkpoints.Conversion;

/// <summary>What a conversion makes.</summary>
public sealed record ConversionOptions
{
    /// <summary>The format written.</summary>
    public required CheckpointFormat Format { get; init; }

    /// <summary>One of <see cref="DTypeConversion.Targets"/>, to which all floating-point tensors are converted; null leaves every tensor as it is.</summary>
    public DType? DType { get; init; }

    /// <summary>What a shard holds at most; a larger tensor has a shard of its own. Only <see cref="CheckpointFormat.Sharded"/> has shards.</summary>
    public long ShardBytes { get; init; } = CheckpointWriter.DefaultShardBytes;

    /// <summary>The target's name until it is complete, as of <see cref="CheckpointWriter.Create"/>.</summary>
    public string? PendingPath { get; init; }

    /// <summary>Writes infinity for a finite value that is too large for <see cref="DType"/>, instead of refusing it.</summary>
    public bool AllowOverflow { get; init; }
}

/// <summary>What a conversion came to.</summary>
/// <param name="Tensors">How many tensors were written.</param>
/// <param name="ConvertedTensors">How many of them got another dtype.</param>
/// <param name="Bytes">Bytes of all tensors written; ties that the format keeps count once.</param>
/// <param name="UntiedTensors">How many share their elements with an earlier tensor, and were written out because the format has no ties.</param>
/// <param name="UntiedBytes">What those take.</param>
public sealed record ConversionReport(int Tensors, int ConvertedTensors, long Bytes, int UntiedTensors, long UntiedBytes);
