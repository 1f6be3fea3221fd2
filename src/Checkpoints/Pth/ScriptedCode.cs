using System.Text;
using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Zip;

namespace Loadline.Checkpoints.Pth;

/// <summary>
/// The code of a TorchScript archive, of which one thing is asked: which of its classes make their tensors themselves from what the pickle holds, as those of
/// quantized layers do. Source: torch/csrc/jit/serialization/import.cpp of PyTorch 2.6.
/// </summary>
internal static class ScriptedCode
{
    private const string Folder = "code/";
    private const string Extension = ".py";
    private const int MaxBytes = 8 << 20;

    /// <summary>The whole names of classes with a <c>__setstate__</c>, as in <c>__torch__.nets.Net</c>.</summary>
    /// <exception cref="CheckpointException">A record of code is longer than any, or all together are.</exception>
    public static HashSet<string> ClassesWithState(SourceFile file, ZipDirectory zip)
    {
        var found = new HashSet<string>();
        foreach (var record in zip.Records)
        {
            if (!record.Name.StartsWith(Folder, StringComparison.Ordinal) || !record.Name.EndsWith(Extension, StringComparison.Ordinal)) continue;
            file.Ledger.Work(record.Bytes);
            file.Ledger.Charge(record.Bytes);
            Find(zip.ReadAll(record, MaxBytes), record.Name[Folder.Length..^Extension.Length].Replace('/', '.'), found);
            file.Ledger.Refund(record.Bytes);
        }

        return found;
    }

    private static void Find(ReadOnlySpan<byte> code, string module, HashSet<string> found)
    {
        ReadOnlySpan<byte> name = [];
        foreach (var range in code.Split((byte)'\n'))
        {
            var line = code[range];
            if (line.StartsWith("class "u8)) name = line["class ".Length..];
            else if (!name.IsEmpty && line.TrimStart((byte)' ').StartsWith("def __setstate__("u8)) found.Add($"{module}.{Encoding.UTF8.GetString(name[..EndOf(name)])}");
        }
    }

    private static int EndOf(ReadOnlySpan<byte> name) => name.IndexOfAny((byte)'(', (byte)':') is var end and >= 0 ? end : name.Length;
}
