using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Loadline.Checkpoints;
using Loadline.Tensors.Engines;
using Loadline.Tensors.Memory;
using Loadline.Tensors.Torch;

namespace Loadline.Tensors;

/// <summary>
/// A view of a storage: dtype, shape, strides and an offset. Several tensors may share one storage, as tied weights do; each is disposed on
/// its own, and the bytes go with the last.
/// </summary>
public sealed class Tensor : IDisposable
{
    // A multiple of every element's width.
    private const int PieceBytes = 1 << 30;

    private Storage? _storage;

    internal Tensor(TensorEntry layout, Storage storage, TensorHandle? handle) => (Layout, _storage, Handle) = (layout, storage.Share(), handle);

    /// <summary>The element type.</summary>
    public DType DType => Layout.DType;

    /// <summary>Sizes, outermost first; empty for a scalar.</summary>
    public ImmutableArray<long> Shape => Layout.Shape;

    /// <summary>In elements, as many as sizes.</summary>
    public ImmutableArray<long> Strides => Layout.Strides;

    /// <summary>Elements of the tensor.</summary>
    public long ElementCount => Layout.ElementCount;

    /// <summary>Where the bytes are.</summary>
    public Device Device => Storage.Device;

    /// <summary>Whether the bytes are pages of the checkpoint's file; a page that is written becomes this process's own.</summary>
    public bool IsMapped => Storage.IsMapped;

    /// <summary>
    /// The address of the first element in a GPU's memory, for kernels that work in the device's primary context, as those of the CUDA runtime do. Good
    /// until the tensor, or the model that it belongs to, is disposed or no longer reachable: keep it in a <c>using</c>.
    /// </summary>
    /// <exception cref="InvalidOperationException">The tensor is not on a GPU.</exception>
    public nint DevicePointer => Storage is CudaStorage onGpu
        ? (nint)onGpu.AddressOf(Layout.StorageOffset * DType.BytesPerElement, 0)
        : throw new InvalidOperationException($"the tensor is on {Device}: only one on cuda:N has an address there");

    internal TensorEntry Layout { get; }

    /// <summary>The <c>at::Tensor</c> of the same bytes; null where the engine has none. It goes with this tensor.</summary>
    internal TensorHandle? Handle { get; }

    internal Storage Storage => _storage ?? throw new ObjectDisposedException(nameof(Tensor));

    /// <summary>
    /// The elements in memory, to read and to write. Writing into mapped weights never changes the file. The span must not be used after the
    /// tensor, or the model that it belongs to, was disposed, nor when neither is reachable any more: keep the model in a <c>using</c>. Weights mapped from a
    /// <c>legacy</c>, <c>dat</c> or unpadded <c>safetensors</c> file start at any address: spans do not mind, but vector loads that want alignment do.
    /// </summary>
    /// <typeparam name="T">A type as wide as an element: float for float32, Half for float16, ushort for bfloat16.</typeparam>
    /// <exception cref="InvalidOperationException">
    /// The tensor is not on the CPU, its elements do not lie row-major without gaps, have another width, or are more than a span can hold.
    /// </exception>
    public Span<T> AsSpan<T>()
        where T : unmanaged
    {
        var bytes = Layout.ByteCount;
        return bytes <= int.MaxValue
            ? AsSpan<T>(0, (int)ElementCount)
            : throw new InvalidOperationException($"{ByteSize.Format(bytes)} are more than a span holds: use AsSpan<T>(start, length)");
    }

    /// <summary>A part of the elements, for tensors of 2 GiB and more; otherwise as <see cref="AsSpan{T}()"/>.</summary>
    /// <param name="start">The first element, in row-major order.</param>
    /// <param name="length">How many elements.</param>
    public Span<T> AsSpan<T>(long start, int length)
        where T : unmanaged
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, ElementCount - start);
        if (Storage is not HostStorage host) throw new InvalidOperationException($"the tensor is on {Device}: its values cannot be addressed from the host");
        var width = DType.BytesPerElement;
        if (Unsafe.SizeOf<T>() != width) throw new InvalidOperationException($"{typeof(T).Name} has {Unsafe.SizeOf<T>()} bytes, an element of {DType} has {width}");
        if (!Layout.IsContiguous)
        {
            throw new InvalidOperationException($"a view of shape {Shapes.Format(Shape.AsSpan())} and strides {Shapes.Format(Strides.AsSpan())} is no span: convert the checkpoint, which lays it out without gaps");
        }

        if (length > int.MaxValue / width) throw new InvalidOperationException($"{length} elements of {DType} are more than a span holds: take fewer at once");
        return MemoryMarshal.Cast<byte, T>(host.Slice((Layout.StorageOffset + start) * width, length * width));
    }

    /// <summary>
    /// Copies elements in row-major order into memory of your own, wherever the tensor is: on the CPU or a GPU, mapped, or a view with gaps, of which no span
    /// can be had. By system calls, not by touching mapped pages: a file that is cut meanwhile is an error, and the pages do not become this process's.
    /// </summary>
    /// <typeparam name="T">A type as wide as an element, or <see cref="byte"/>, of which one element takes several.</typeparam>
    /// <param name="destination">Is filled; whole elements.</param>
    /// <param name="start">The first element that is copied.</param>
    /// <exception cref="ArgumentException">The destination holds more elements than there are from <paramref name="start"/> on, or ends inside one.</exception>
    /// <exception cref="InvalidOperationException">Elements have another width, or less than a byte, or are on a simulated accelerator, which keeps none.</exception>
    /// <exception cref="CheckpointException">A mapped file became shorter.</exception>
    /// <exception cref="ObjectDisposedException">It was disposed. One who disposes on another thread meanwhile does no harm: the copy is whole, or this is thrown.</exception>
    public void CopyTo<T>(Span<T> destination, long start = 0)
        where T : unmanaged
    {
        var width = DType.BytesPerElement;
        if (width == 0) throw new InvalidOperationException($"elements of {DType} are narrower than a byte");
        if (Unsafe.SizeOf<T>() != width && typeof(T) != typeof(byte))
        {
            throw new InvalidOperationException($"{typeof(T).Name} has {Unsafe.SizeOf<T>()} bytes, an element of {DType} has {width}");
        }

        if (Storage is not IReadableStorage) throw new InvalidOperationException($"the tensor is on {Device}, which counts bytes and keeps none");
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        var (elements, rest) = Math.DivRem((long)destination.Length * Unsafe.SizeOf<T>(), width);
        if (rest != 0) throw new ArgumentException($"{destination.Length} bytes end inside of an element of {DType}", nameof(destination));
        if (elements > ElementCount - start) throw new ArgumentException($"{elements} elements from {start} on are more than there are: {ElementCount}", nameof(destination));
        var reader = new TensorReader();
        // In pieces: a span may hold more bytes than one of bytes can.
        for (var offset = start * width; !destination.IsEmpty;)
        {
            var count = Math.Min(PieceBytes / Unsafe.SizeOf<T>(), destination.Length);
            var piece = MemoryMarshal.AsBytes(destination[..count]);
            Read(reader, offset, piece);
            offset += piece.Length;
            destination = destination[count..];
        }
    }

    /// <summary>
    /// Fills the destination with bytes from an offset on; both are whole elements. The memory is held meanwhile: a dispose on another thread frees it after that, and
    /// cannot let another load's bytes appear at its address.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The tensor was disposed before.</exception>
    internal void Read(TensorReader reader, long offset, Span<byte> destination)
    {
        var held = Storage.Share();
        try
        {
            reader.Read(Layout, (IReadableStorage)held, offset, destination);
        }
        finally
        {
            held.Release();
        }
    }

    /// <summary>Gives up this tensor's share of the storage.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _storage, null) is not { } storage) return;
        Handle?.Dispose();
        storage.Release();
    }
}
