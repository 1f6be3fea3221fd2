using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Pickles;
using Loadline.Checkpoints.Pth;

namespace Loadline.Checkpoints.Zero;

/// <summary>One rank's file as <c>zero_to_fp32.py</c> reads it.</summary>
internal sealed class ZeroArchive
{
    private readonly string _path;
    private readonly Func<string, TensorValue, TensorEntry> _locate;
    private readonly Action _refuseOverlaps;

    /// <summary>Reads a file's pickle.</summary>
    /// <exception cref="CheckpointException">It is refused.</exception>
    public ZeroArchive(SourceFile file)
    {
        (Root, _locate, var zip) = PthReader.ReadRoot(file);
        (_path, _refuseOverlaps) = (file.Path, zip.RefuseOverlaps);
    }

    /// <summary>The value of its pickle.</summary>
    public object? Root { get; }

    /// <summary>Finds a tensor's bytes: stored ones, since the script maps the file and takes what lies there as it is.</summary>
    /// <exception cref="CheckpointException">They are compressed, or not where they should be.</exception>
    public TensorEntry Locate(string name, TensorValue tensor) => _locate(name, tensor) is { Storage.CompressedBytes: null } entry
        ? entry
        : throw new CheckpointException(
            CheckpointError.Unsupported, _path, "is compressed in its archive: zero_to_fp32.py would take the compressed bytes; unpack it, and pack it without compression", name);

    /// <summary>Once all are found.</summary>
    /// <exception cref="CheckpointException">Two of them lie over each other.</exception>
    public void RefuseOverlaps() => _refuseOverlaps();
}
