namespace Loadline.Tensors.Memory;

/// <summary>A storage whose bytes can be read back: all but those of a simulated accelerator, which keeps none.</summary>
internal interface IReadableStorage
{
    /// <summary>Copies bytes from an offset on, by a way that a file which was cut cannot turn into a SIGBUS.</summary>
    void Read(long offset, Span<byte> destination);
}
