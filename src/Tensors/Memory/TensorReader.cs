using Loadline.Checkpoints;
using Loadline.Checkpoints.Assembly;

namespace Loadline.Tensors.Memory;

/// <summary>
/// Reads tensors as if their elements lay row-major without gaps, by ways that a file which was cut cannot turn into a SIGBUS. Views with
/// gaps take a window of 1 MiB. For one thread.
/// </summary>
internal sealed class TensorReader
{
    private readonly TensorPieceReader _gatherer;
    private IReadableStorage? _gathered;

    public TensorReader() => _gatherer = new TensorPieceReader((_, offset, destination) => _gathered!.Read(offset, destination));

    /// <summary>Fills the destination with a tensor's bytes from an offset on; both are whole elements. The caller holds the storage.</summary>
    public void Read(TensorEntry view, IReadableStorage storage, long offset, Span<byte> destination)
    {
        if (view.IsContiguous)
        {
            storage.Read(view.StorageOffset * view.DType.BytesPerElement + offset, destination);
            return;
        }

        _gathered = storage;
        _gatherer.Read(view, offset, destination);
    }
}
