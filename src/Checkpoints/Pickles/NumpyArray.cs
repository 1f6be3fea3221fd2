using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Text;

namespace Loadline.Checkpoints.Pickles;

/// <summary>
/// NumPy's description of an element type, as in <c>dtype('f8')</c>; the byte order comes as its state. Source: <c>array_descr_reduce</c> and
/// <c>arraydescr_setstate</c> in numpy/_core/src/multiarray/descriptor.c.
/// </summary>
/// <param name="code">The byte order, the kind and the size.</param>
/// <param name="isCopy">Whether it is one of its own, not NumPy's: such take a state.</param>
internal sealed class NumpyDType(string code, bool isCopy = false)
{
    /// <summary>Not one of NumPy's own codes.</summary>
    public const string BFloat16 = "bfloat16";

    /// <summary>One that is made of a class.</summary>
    public const string Unknown = "a class";

    /// <summary>The type of a code; null where nothing stands behind its byte order.</summary>
    public static NumpyDType? Of(string code, bool isCopy) => new NumpyDType(code, isCopy) is { Code.Length: > 0 } type ? type : null;

    /// <summary>The kind and the size, as in <c>f8</c>, <c>i4</c>, <c>b1</c>, <c>U3</c>.</summary>
    public string Code { get; } = Plain(code.TrimStart('<', '>', '=', '|'));

    public bool IsCopy => isCopy;

    /// <summary>Whether it was given its state, which says more than the code.</summary>
    public bool HasState { get; set; }

    /// <summary>Whether elements are big-endian.</summary>
    public bool IsBigEndian { get; set; } = code.StartsWith('>');

    /// <summary>Bytes of one element; 0 where it has no fixed number.</summary>
    public int ElementBytes => DType?.BytesPerElement ?? Code switch
    {
        ['S' or 'V', .. var count] when int.TryParse(count, out var bytes) && bytes >= 0 => bytes,
        ['U', .. var count] when int.TryParse(count, out var characters) && characters is >= 0 and < 1 << 28 => 4 * characters,
        ['M' or 'm', ..] => 8,
        // Such as longdouble, which PyTorch does not have.
        ['f' or 'c' or 'i' or 'u', .. var count] when int.TryParse(count, out var bytes) && bytes is > 0 and <= 64 => bytes,
        _ => 0,
    };

    /// <summary>The element type of a tensor of the same numbers; null where PyTorch has none.</summary>
    public DType? DType => Code switch
    {
        "f8" => DType.Float64,
        "f4" => DType.Float32,
        "f2" => DType.Float16,
        "i8" => DType.Int64,
        "i4" => DType.Int32,
        "i2" => DType.Int16,
        "i1" => DType.Int8,
        "u8" => DType.UInt64,
        "u4" => DType.UInt32,
        "u2" => DType.UInt16,
        "u1" => DType.UInt8,
        "b1" => DType.Bool,
        "c8" => DType.Complex64,
        "c16" => DType.Complex128,
        BFloat16 => DType.BFloat16,
        _ => null,
    };

    private const NumberStyles SizeStyle = NumberStyles.AllowLeadingWhite | NumberStyles.AllowLeadingSign;

    // NumPy reads the size by strtol, which passes over blanks, a plus and zeros, and of which it keeps 32 bits.
    private static string Plain(string code) =>
        code.Length > 1 && !code.Contains('\0') && long.TryParse(code.AsSpan(1), SizeStyle, CultureInfo.InvariantCulture, out var size) && (int)size >= 0
            ? string.Create(CultureInfo.InvariantCulture, $"{code[0]}{(int)size}")
            : code;

    /// <summary>One element as a plain value; null where it is none.</summary>
    public object? Scalar(ReadOnlySpan<byte> element)
    {
        if (element.Length != ElementBytes || element.Length > 1 << 16) return null;
        Span<byte> bytes = element.Length <= 16 ? stackalloc byte[16] : new byte[element.Length];
        bytes = bytes[..element.Length];
        element.CopyTo(bytes);
        if (IsBigEndian && Code[0] is not ('S' or 'V' or 'U')) bytes.Reverse();
        return Code switch
        {
            "f8" => BinaryPrimitives.ReadDoubleLittleEndian(bytes),
            "f4" => (double)BinaryPrimitives.ReadSingleLittleEndian(bytes),
            "f2" => (double)BinaryPrimitives.ReadHalfLittleEndian(bytes),
            "b1" => bytes[0] != 0,
            "u8" when BinaryPrimitives.ReadUInt64LittleEndian(bytes) is var number && number > long.MaxValue => (BigInteger)number,
            ['i' or 'u', ..] when DType is not null => (long)new BigInteger(bytes, isUnsigned: Code[0] == 'u'),
            ['U', ..] => (IsBigEndian ? new UTF32Encoding(bigEndian: true, byteOrderMark: false) : Encoding.UTF32).GetString(bytes).TrimEnd('\0'),
            ['S', ..] => Encoding.Latin1.GetString(bytes).TrimEnd('\0'),
            _ => null,
        };
    }
}

/// <summary>
/// A NumPy array: made empty, and given shape, type and bytes as its state, as <c>array_setstate</c> in numpy/_core/src/multiarray/methods.c takes it;
/// or, by protocol 5, made of a buffer. Its bytes stand in the pickle itself.
/// </summary>
internal sealed record NumpyArray : PickledTensor
{
    private const int MaxRank = 64;

    // What is rounded in a step; an element that is turned round takes one by itself.
    private const int RoundedPerStep = 4;

    public ImmutableArray<long> Shape { get; private init; } = [];

    /// <summary>The element type; null until the array has its contents.</summary>
    public NumpyDType? Type { get; private init; }

    /// <summary>The elements, little-endian; of an array of objects empty.</summary>
    public byte[] Data { get; private init; } = [];

    /// <summary>The values of an array of objects; else null.</summary>
    public PickleContainer? Objects { get; private init; }

    /// <summary>Whether the first index moves fastest, as in Fortran.</summary>
    public bool IsFortran { get; private init; }

    /// <summary>What an array became that was made empty: it may have been referred to before.</summary>
    public NumpyArray? Filled { get; private set; }

    /// <summary>What it takes beside the bytes that the pickle had already.</summary>
    public long BytesOfItsOwn => 8L * Shape.Length;

    /// <summary>Only itself: a chain of arrays that were filled one with the other may be as long as a file.</summary>
    public bool Equals(NumpyArray? other) => ReferenceEquals(this, other);

    public override int GetHashCode() => RuntimeHelpers.GetHashCode(this);

    /// <summary>Gives an empty array its contents: (version, shape, type, is Fortran, bytes or list of objects).</summary>
    public bool SetState(object? state, Ledger ledger)
    {
        if (state is not PickleTuple { Items: [long, PickleTuple shape, NumpyDType or OpaqueValue, bool isFortran, var contents] } whole) return false;
        // A type that is a class, as that of strings of any length, has elements that only NumPy can read.
        var type = whole.Items[2] as NumpyDType ?? new NumpyDType(NumpyDType.Unknown);
        Filled = Of(shape, type, isFortran, contents, ledger);
        ledger.Charge(MemorySize.Of(Filled));
        return Filled is not null;
    }

    /// <summary>An array of these contents, or null where they do not fit each other.</summary>
    public static NumpyArray? Of(PickleTuple shape, NumpyDType type, bool isFortran, object? contents, Ledger ledger)
    {
        if (TorchCalls.Numbers(shape) is not { } sizes || sizes.Length > MaxRank) return null;
        long count = 1;
        foreach (var size in sizes)
        {
            if (size < 0 || (size > 0 && count > int.MaxValue / size)) return null;
            count *= size;
        }

        if (contents is PickleList objects) return objects.Count == count ? new NumpyArray { Shape = sizes, Type = type, Objects = objects } : null;
        // A state that comes later would be its array's, too.
        type.HasState = true;
        if (type.Code == NumpyDType.Unknown) return new NumpyArray { Shape = sizes, Type = type };
        if (BytesOf(contents, ledger) is not { } bytes || bytes.Length != count * type.ElementBytes) return null;
        if (type.IsBigEndian && type.DType is { BytesPerElement: > 1 } dtype)
        {
            var unit = dtype == DType.Complex64 || dtype == DType.Complex128 ? dtype.BytesPerElement / 2 : dtype.BytesPerElement;
            ledger.Charge(bytes.LongLength);
            ledger.Work(bytes.Length / unit);
            bytes = Reversed(bytes, unit);
        }

        return new NumpyArray { Shape = sizes, Type = type, Data = bytes, IsFortran = isFortran };
    }

    /// <summary>The float32 elements in bfloat16, a type that NumPy does not have: what XLA's tensors were. Rounded to even, every NaN to PyTorch's.</summary>
    public NumpyArray AsBFloat16(Ledger ledger)
    {
        ledger.Charge(Data.Length / 2);
        ledger.Work(Data.Length / sizeof(float) / RoundedPerStep);
        var halves = new byte[Data.Length / 2];
        for (var i = 0; i < halves.Length / 2; i++)
        {
            var bits = BinaryPrimitives.ReadUInt32LittleEndian(Data.AsSpan(4 * i));
            var rounded = (bits & int.MaxValue) > 0x7F800000 ? 0x7FC0 : (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
            BinaryPrimitives.WriteUInt16LittleEndian(halves.AsSpan(2 * i), (ushort)rounded);
        }

        return this with { Data = halves, Type = new NumpyDType(NumpyDType.BFloat16) };
    }

    /// <summary>Strides in elements.</summary>
    public ImmutableArray<long> Strides()
    {
        if (!IsFortran || Data.Length == 0) return Shapes.ContiguousStrides(Shape.AsSpan());
        var strides = new long[Shape.Length];
        long stride = 1;
        for (var i = 0; i < strides.Length; i++)
        {
            strides[i] = stride;
            stride *= Math.Max(Shape[i], 1);
        }

        return [.. strides];
    }

    // Protocol 2 has no bytes: Python 3 encodes them as text, Python 2 had strings.
    private static byte[]? BytesOf(object? contents, Ledger ledger)
    {
        if (contents is string text)
        {
            return TorchCalls.Latin1(text, ledger);
        }

        return contents as byte[] ?? (contents as Python2String)?.Bytes;
    }

    private static byte[] Reversed(byte[] bytes, int unit)
    {
        var reversed = bytes.AsSpan().ToArray();
        for (var i = 0; i < reversed.Length; i += unit) reversed.AsSpan(i, unit).Reverse();
        return reversed;
    }
}
