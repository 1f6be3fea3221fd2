using System.Runtime.InteropServices;
using Loadline.Checkpoints;

namespace Loadline.Tensors.Torch;

/// <summary>
/// The part of libtorch's C interface (torch/csrc/inductor/aoti_torch/c/shim.h, in every libtorch since 2.6) that tensors need, bound when it runs:
/// nothing of libtorch is there when this is built, and one build works with any of them.
/// </summary>
/// <remarks>
/// SAFETY: the signatures are the header's, the same from 2.6 to 2.14. The library checks neither null handles nor dtypes, and an error in it is a
/// number: handles come from it alone, dtypes from its own answers, layouts were checked against their storages when the checkpoint was opened, and
/// every number is looked at. Whoever passes a handle keeps it over the call.
/// </remarks>
internal sealed unsafe class TorchLibrary
{
    // c10::DeviceType::Meta, for which the interface has no function.
    private const int Meta = 14;

    private static readonly Lock Loading = new();
    private static TorchLibrary? s_loaded;

    private readonly nint _library;
    private long _livingTensors;
    private readonly int _cpu;
    private readonly int _uint8;
    private readonly Dictionary<DType, int?> _codes = [];
    private readonly delegate* unmanaged<long, long*, long*, int, int, int, nint*, int> _emptyStrided;
    private readonly delegate* unmanaged<void*, long, long*, long*, long, int, int, int, nint*, int> _fromBlob;
    private readonly delegate* unmanaged<nint, long, long*, long*, long, nint*, int> _reinterpret;
    private readonly delegate* unmanaged<nint, int, nint*, int> _viewDType;
    private readonly delegate* unmanaged<nint, void**, int> _dataPointer;
    private readonly delegate* unmanaged<nint, int> _delete;

    private TorchLibrary(nint library, TorchPlace place)
    {
        _library = library;
        Place = place with { Version = TorchVersion.Of(library) ?? place.Version };
        _emptyStrided = (delegate* unmanaged<long, long*, long*, int, int, int, nint*, int>)Find("aoti_torch_empty_strided");
        _fromBlob = (delegate* unmanaged<void*, long, long*, long*, long, int, int, int, nint*, int>)Find("aoti_torch_create_tensor_from_blob");
        _reinterpret = (delegate* unmanaged<nint, long, long*, long*, long, nint*, int>)Find("aoti_torch__reinterpret_tensor");
        _viewDType = (delegate* unmanaged<nint, int, nint*, int>)Find("aoti_torch_cpu_view_dtype");
        _dataPointer = (delegate* unmanaged<nint, void**, int>)Find("aoti_torch_get_data_ptr");
        _delete = (delegate* unmanaged<nint, int>)Find("aoti_torch_delete_tensor_object");
        _cpu = ((delegate* unmanaged<int>)Find("aoti_torch_device_type_cpu"))();
        _uint8 = CodeOf(DType.UInt8)!.Value;
    }

    /// <summary>Tensors that handles of this process hold.</summary>
    public long LivingTensors => Interlocked.Read(ref _livingTensors);

    /// <summary>Where it was found.</summary>
    public TorchPlace Place { get; }

    /// <summary>As in <c>libtorch 2.6</c>.</summary>
    public string Name => Place.Name;

    /// <summary>The one libtorch of this process: two in one would share symbols, and neither would work.</summary>
    /// <exception cref="EngineUnavailableException">There is none, it cannot be loaded, or it is too old.</exception>
    public static TorchLibrary Load()
    {
        lock (Loading) return s_loaded ??= Load(TorchSearch.Find());
    }

    /// <summary>libtorch's number of a dtype; null where it has none.</summary>
    public int? CodeOf(DType dtype)
    {
        lock (_codes)
        {
            if (_codes.TryGetValue(dtype, out var code)) return code;
            return _codes[dtype] = NativeLibrary.TryGetExport(_library, $"aoti_torch_dtype_{dtype.Name}", out var function)
                ? ((delegate* unmanaged<int>)function)()
                : null;
        }
    }

    /// <summary>Memory of libtorch's CPU allocator.</summary>
    /// <exception cref="DeviceOutOfMemoryException">The system refuses it.</exception>
    public TensorHandle Empty(long bytes)
    {
        long stride = 1;
        nint tensor;
        if (_emptyStrided(1, &bytes, &stride, _uint8, _cpu, 0, &tensor) != 0) throw DeviceOutOfMemoryException.OnHost(bytes);
        return new TensorHandle(this, tensor);
    }

    /// <summary>A view with a dtype of its own. It shares the bytes' storage, by libtorch's count of references.</summary>
    public TensorHandle View(TensorHandle bytes1D, long bytes, int dtype, TensorEntry layout)
    {
        // A view of another dtype must divide the length; a file's storage may end in bytes that no element of this dtype reaches.
        var whole = bytes - bytes % layout.DType.BytesPerElement;
        long stride = 1;
        using var divisible = Reinterpret(bytes1D, [whole], [stride], 0);
        nint typed;
        Check(_viewDType(divisible.DangerousGetHandle(), dtype, &typed), "aoti_torch_cpu_view_dtype");
        using var elements = new TensorHandle(this, typed);
        return Reinterpret(elements, layout.Shape.AsSpan(), layout.Strides.AsSpan(), layout.StorageOffset);
    }

    /// <summary>A tensor over memory that is not libtorch's.</summary>
    /// <returns>The <c>at::Tensor*</c>, for a handle that keeps the memory.</returns>
    public nint FromMemory(byte* first, int dtype, TensorEntry layout)
    {
        nint tensor;
        fixed (long* sizes = layout.Shape.AsSpan(), strides = layout.Strides.AsSpan())
        {
            // In 2.6 an offset other than 0 gives the storage a wrong size: the pointer has it instead.
            Check(_fromBlob(first, layout.Shape.Length, sizes, strides, 0, dtype, _cpu, 0, &tensor), "aoti_torch_create_tensor_from_blob");
        }

        return tensor;
    }

    /// <summary>A tensor that has a shape and no memory.</summary>
    public TensorHandle OnMeta(int dtype, TensorEntry layout)
    {
        nint tensor;
        fixed (long* sizes = layout.Shape.AsSpan(), strides = layout.Strides.AsSpan())
        {
            Check(_emptyStrided(layout.Shape.Length, sizes, strides, dtype, Meta, 0, &tensor), "aoti_torch_empty_strided");
        }

        return new TensorHandle(this, tensor);
    }

    /// <summary>Where a tensor's first element lies; null for one without elements.</summary>
    public byte* DataPointer(TensorHandle tensor)
    {
        void* pointer;
        Check(_dataPointer(tensor.DangerousGetHandle(), &pointer), "aoti_torch_get_data_ptr");
        return (byte*)pointer;
    }

    /// <summary>Gives an <c>at::Tensor*</c> back. Called by its handle, once.</summary>
    internal bool Delete(nint tensor)
    {
        Interlocked.Decrement(ref _livingTensors);
        return _delete(tensor) == 0;
    }

    /// <summary>A handle has taken one over.</summary>
    internal void Took() => Interlocked.Increment(ref _livingTensors);

    /// <summary>A function that is not in every libtorch.</summary>
    internal bool TryFind(string function, out nint address) => NativeLibrary.TryGetExport(_library, function, out address);

    private static TorchLibrary Load(TorchPlace place)
    {
        // Debian's 2.6 brings UCX along, which takes SIGSEGV over when it is loaded; then a managed null reference ends the process instead of raising an
        // exception. It asks the C library's environment, which .NET's own functions do not write.
        _ = Libc.setenv("UCX_ERROR_SIGNALS", "", 1);
        try
        {
            return new TorchLibrary(NativeLibrary.Load(place.File), place);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            throw new EngineUnavailableException($"{place.File} cannot be loaded as libtorch: {Reason(e.Message)}", e);
        }
        catch (EntryPointNotFoundException e)
        {
            throw new EngineUnavailableException($"{place.File} is not libtorch 2.6 or newer: {e.Message}. {TorchSearch.WhatToInstall}", e);
        }
    }

    // The message gives advice first; its last line is what the dynamic loader said: "libc10.so.2.6: cannot open shared object file: No such file or directory".
    private static string Reason(string message) => message.TrimEnd().Split('\n')[^1];

    private static void Check(int error, string function)
    {
        if (error != 0) throw new InvalidOperationException($"libtorch: {function} failed; the reason stands on standard error");
    }

    private TensorHandle Reinterpret(TensorHandle tensor, ReadOnlySpan<long> shape, ReadOnlySpan<long> strides, long offset)
    {
        nint view;
        fixed (long* sizes = shape, steps = strides)
        {
            Check(_reinterpret(tensor.DangerousGetHandle(), shape.Length, sizes, steps, offset, &view), "aoti_torch__reinterpret_tensor");
        }

        return new TensorHandle(this, view);
    }

    private nint Find(string function) =>
        TryFind(function, out var address) ? address : throw new EntryPointNotFoundException($"it has no {function}");
}
