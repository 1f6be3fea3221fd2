using System.Runtime.CompilerServices;
using System.Text;

namespace Loadline.Checkpoints;

/// <summary>Texts that a file has in UTF-8: mostly names, short and of ASCII.</summary>
internal static class Utf8Text
{
    private const int ShortBytes = 256;

    /// <summary>As <see cref="Encoding.GetString(ReadOnlySpan{byte})"/> of <see cref="Encoding.UTF8"/> decodes it.</summary>
    /// <remarks>
    /// Short ASCII is widened here. The framework does it with vectors of all widths, whose types take five milliseconds to load: as long as all the rest of
    /// the first checkpoint that a process opens.
    /// </remarks>
    [SkipLocalsInit]
    public static string Of(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > ShortBytes) return Encoding.UTF8.GetString(bytes);
        Span<char> text = stackalloc char[ShortBytes];
        for (var i = 0; i < bytes.Length; i++)
        {
            if (bytes[i] > 0x7F) return Encoding.UTF8.GetString(bytes);
            text[i] = (char)bytes[i];
        }

        return new string(text[..bytes.Length]);
    }

    /// <summary>Whether half of a surrogate pair stands alone in a text, as Python's may: UTF-8 cannot hold it.</summary>
    public static bool HasHalfAPair(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i])) continue;
            if (!Rune.TryGetRuneAt(text, i, out _)) return true;
            i++;
        }

        return false;
    }
}
