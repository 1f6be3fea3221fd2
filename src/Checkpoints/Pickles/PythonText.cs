using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Unicode;

namespace Loadline.Checkpoints.Pickles;

/// <summary>Python's strings and other plain values as text.</summary>
internal static class PythonText
{
    /// <summary>Decodes UTF-8 as Python pickles it: lone surrogates, which UTF-8 forbids, stand as three bytes ("surrogatepass").</summary>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out string? text)
    {
        text = Utf8.IsValid(bytes) ? Utf8Text.Of(bytes) : null;
        if (text is not null) return true;

        var builder = new StringBuilder(bytes.Length);
        while (!bytes.IsEmpty)
        {
            var isSurrogate = bytes is [0xED, >= 0xA0 and <= 0xBF, >= 0x80 and <= 0xBF, ..];
            var length = 3;
            if (isSurrogate) builder.Append((char)(0xD000 | (bytes[1] & 0x3F) << 6 | bytes[2] & 0x3F));
            else if (Rune.DecodeFromUtf8(bytes, out var rune, out length) == System.Buffers.OperationStatus.Done) builder.Append(rune);
            else return false;
            bytes = bytes[length..];
        }

        text = builder.ToString();
        return true;
    }

    /// <summary>
    /// Whether two halves of a surrogate pair follow each other, each by itself: to Python two characters, that are not equal to the one that .NET takes them for.
    /// </summary>
    public static bool HasTwoHalves(ReadOnlySpan<byte> bytes)
    {
        while (bytes.IndexOf((byte)0xED) is >= 0 and var at)
        {
            bytes = bytes[at..];
            if (bytes is [_, >= 0xA0 and <= 0xAF, _, 0xED, >= 0xB0 and <= 0xBF, ..]) return true;
            bytes = bytes[1..];
        }

        return false;
    }

    /// <summary>A value about as Python prints it, strings without quotes; null for a container.</summary>
    public static string? Print(object? value) => value switch
    {
        null => "None",
        bool b => b ? "True" : "False",
        long i => i.ToString(CultureInfo.InvariantCulture),
        double d => PrintFloat(d),
        PickleComplex c => $"({PrintFloat(c.Real)}{(double.IsNegative(c.Imaginary) ? "" : "+")}{PrintFloat(c.Imaginary)}j)",
        string s => s,
        byte[] bytes => $"({bytes.Length} bytes)",
        Python2String old => old.Text,
        PickleGlobal global => global.Name,
        NumpyDType type => type.Code,
        StorageReference storage => $"(a storage of {storage.Count} elements)",
        BigInteger => PrintInteger(value),
        _ => null,
    };

    // Apart: whoever has none needs no assembly for them.
    private static string PrintInteger(object integer) => ((BigInteger)integer).ToString(CultureInfo.InvariantCulture);

    /// <summary>As Python prints a float: 3.0, 1e-05, nan, inf.</summary>
    public static string PrintFloat(double value)
    {
        if (double.IsNaN(value)) return "nan";
        if (double.IsInfinity(value)) return value > 0 ? "inf" : "-inf";
        var text = value.ToString("R", CultureInfo.InvariantCulture).Replace('E', 'e');
        return text.Contains('.') || text.Contains('e') ? text : text + ".0";
    }
}
