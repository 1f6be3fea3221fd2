using System.Text.Json;

namespace Loadline.Checkpoints.Json;

/// <summary>
/// Writes JSON in pieces. The writer by itself makes room for a text as if each of its characters had to be escaped, and keeps all that it has written until it
/// is told otherwise: of a file's metadata, one text of any length, that is twelve times what the file has of it.
/// </summary>
internal static class LongTexts
{
    private const int PieceChars = 8192;
    private const int PieceBytes = 1 << 16;

    /// <summary>Writes a text, however long, as the value of what was named before it.</summary>
    public static void WriteLong(this Utf8JsonWriter json, string text)
    {
        if (text.Length <= PieceChars)
        {
            json.WriteStringValue(text);
            return;
        }

        for (var start = 0; start < text.Length; start += PieceChars)
        {
            var piece = text.AsSpan(start, Math.Min(PieceChars, text.Length - start));
            json.WriteStringValueSegment(piece, isFinalSegment: start + piece.Length == text.Length);
            json.FlushMuch();
        }
    }

    /// <summary>Sends what there is on its way, if it is much.</summary>
    public static void FlushMuch(this Utf8JsonWriter json)
    {
        if (json.BytesPending > PieceBytes) json.Flush();
    }
}
