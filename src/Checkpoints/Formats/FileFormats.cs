using System.Buffers;
using System.Text;
using Loadline.Checkpoints.Dat;
using Loadline.Checkpoints.Distributed;
using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Index;
using Loadline.Checkpoints.Legacy;
using Loadline.Checkpoints.Pth;
using Loadline.Checkpoints.Safetensors;
using Loadline.Checkpoints.Sharded;

namespace Loadline.Checkpoints.Formats;

/// <summary>
/// The one ordered list of what a file can be, told by its contents, mostly by the first bytes: the formats that are read, and what people often
/// have instead. The first rule that fits decides.
/// </summary>
internal static class FileFormats
{
    /// <summary>Opens a file and reads it.</summary>
    /// <exception cref="CheckpointException">There is no such file, it cannot be read, or its contents are refused.</exception>
    public static CheckpointIndex Open(string path, PositionedReads reads)
    {
        using var file = SourceFile.Open(path, reads);
        return Read(file);
    }

    /// <summary>Why a file that somebody has just written is not read, as "would not be read again: it has too many tensors". Null where it is, or is gone.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="CheckpointException">It is <see cref="CheckpointError.Unreadable"/>: nobody knows.</exception>
    public static string? WhyNotRead(string path)
    {
        try
        {
            using var index = Open(path, PositionedReads.OfTheKernel);
            return null;
        }
        catch (CheckpointException e) when (e.Error != CheckpointError.Unreadable)
        {
            return e.Error == CheckpointError.NotFound ? null : $"would not be read again: {e.Problem}";
        }
    }

    /// <summary>Why a file is not read as the module that somebody has just written: what is wrong with it to the format's own reader. Null where it is read.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="CheckpointException">As above.</exception>
    public static string? WhyNotDat(string path)
    {
        try
        {
            using var index = Open(path, PositionedReads.OfTheKernel);
            if (index.Format == CheckpointFormat.Dat) return null;
        }
        catch (CheckpointException e) when (e.Error != CheckpointError.Unreadable)
        {
        }

        try
        {
            using var file = SourceFile.Open(path, PositionedReads.OfTheKernel);
            using var index = DatReader.Read(file);
            return "would be taken for another format, for the names that its tensors begin with: write pth or safetensors";
        }
        // It is none of any other format: there is just too much of it.
        catch (CheckpointException e) when (e.Error == CheckpointError.LimitExceeded)
        {
            return $"would not be read again: {e.Problem}: write safetensors";
        }
    }

    /// <summary>Reads a file by the first rule that fits.</summary>
    public static CheckpointIndex Read(SourceFile file) => Read(file, isPart: false);

    /// <summary>Reads one of several files of a checkpoint. What names further files is refused: they would be read beside the checkpoint's ledger and its list of files.</summary>
    public static CheckpointIndex ReadPart(SourceFile file) => Read(file, isPart: true);

    private static CheckpointIndex Read(SourceFile file, bool isPart)
    {
        var head = file.Head;
        // A table of delegates would load every reader before the first look at the file.
        return file.Path switch
        {
            _ when head.IsEmpty => throw file.Refuse(CheckpointError.UnknownFormat, "is empty"),
            var path when path.EndsWith(DistributedReader.PartExtension, StringComparison.Ordinal) => DistributedReader.RefusePart(file),
            var path when Path.GetFileName(path) == DistributedReader.MetadataName => isPart ? throw NoPart(file) : DistributedReader.Read(file),
            _ when head is [(byte)'P', (byte)'K', 3, 4, ..] or [(byte)'P', (byte)'K', 5, 6, ..] =>
                SafetensorsReader.Recognises(file) ? throw TwoFormats(file) : PthReader.Read(file),
            _ when SafetensorsReader.Recognises(file) =>
                NotHidden(file, SafetensorsReader.Read),
            // PyTorch asks for a tar before it asks for a legacy file, and a tar's first bytes are any name.
            _ when TarHeader.HasMagic(head) || (LegacyReader.Recognises(head) && TarHeader.HasSum(head)) =>
                throw file.Refuse(CheckpointError.Unsupported, "is a tar archive, as PyTorch wrote before 0.1.10 or as a download: unpack it, or save it again"),
            _ when LegacyReader.Recognises(head) => LegacyReader.Read(file),
            _ when ShardIndex.Recognises(file) => isPart ? throw NoPart(file) : ShardedReader.Read(file, ReadPart),
            // A name of TorchSharp's may begin as the marks of others do, which are short.
            _ when ForeignFiles.WhatIs(head) is { } what && !DatReader.Recognises(file) => throw file.Refuse(CheckpointError.Unsupported, what),
            _ when head.StartsWith("version https://git-lfs"u8) => throw file.Refuse(CheckpointError.UnknownFormat, "is a git-lfs pointer, not the file itself: run git lfs pull"),
            _ when IsHtml(head) =>
                throw file.Refuse(CheckpointError.UnknownFormat, "is an HTML page, not a checkpoint: the download gave a web page, perhaps a login"),
            _ when IsText(head) => throw file.Refuse(CheckpointError.UnknownFormat, "is a text file, not a checkpoint"),
            // Without a magic number, and so after all that can be told apart; but a count of 256 tensors looks like the start of a pickle.
            _ when DatTensors.RecognisesOptimizer(head) => NoModule(file, DatTensors.ReadOptimizer),
            _ when DatTensors.RecognisesTensor(file) => NoModule(file, DatTensors.ReadTensor),
            _ when DatReader.Recognises(file) => NotHidden(file, DatReader.Read),
            _ when IsPickle(head) => throw file.Refuse(CheckpointError.Unsupported, "is a bare pickle, which can hold anything: save a state_dict with torch.save instead"),
            _ when head is [0x1f, 0x8b, ..] or [0x28, 0xb5, 0x2f, 0xfd, ..] => throw file.Refuse(CheckpointError.Unsupported, "is compressed: decompress it first"),
            _ => throw file.Refuse(CheckpointError.UnknownFormat, $"is no checkpoint that Loadline knows: it starts with {Hex(head)}"),
        };
    }

    private static CheckpointException NoPart(SourceFile file) =>
        file.Refuse(CheckpointError.Malformed, "names files of its own, and is one of a checkpoint's files itself: name it alone");

    // PyTorch does not ask for these formats. It asks for a tar first, then for a legacy file.
    private static CheckpointIndex NotHidden(SourceFile file, Func<SourceFile, CheckpointIndex> read) =>
        TarHeader.HasMagic(file.Head) || TarHeader.HasSum(file.Head) || LegacyReader.IsHiddenIn(file) ? throw TwoFormats(file) : read(file);

    // TorchSharp's own readers are told which of its files it is.
    private static CheckpointIndex NoModule(SourceFile file, Func<SourceFile, CheckpointIndex> read) => DatReader.Fits(file) ? throw TwoFormats(file) : NotHidden(file, read);

    private static CheckpointException TwoFormats(SourceFile file) =>
        file.Refuse(CheckpointError.Malformed, "is a checkpoint of two formats at once: PyTorch reads another one than this; whoever made it wants two readers to see two models");

    private static bool IsPickle(ReadOnlySpan<byte> head) => head is [0x80, >= 2 and <= 5, ..];

    private static bool IsHtml(ReadOnlySpan<byte> head)
    {
        var text = SkipByteOrderMark(head).TrimStart(" \t\r\n"u8);
        return StartsWithIgnoringCase(text, "<!doctype html"u8) || StartsWithIgnoringCase(text, "<html"u8) || StartsWithIgnoringCase(text, "<?xml"u8);
    }

    private static bool IsText(ReadOnlySpan<byte> head)
    {
        for (var rest = SkipByteOrderMark(head); !rest.IsEmpty;)
        {
            var status = Rune.DecodeFromUtf8(rest, out var rune, out var length);
            // The head may end inside a character.
            if (status == OperationStatus.NeedMoreData) return true;
            if (status != OperationStatus.Done || (Rune.IsControl(rune) && rune.Value is not ('\t' or '\r' or '\n'))) return false;
            rest = rest[length..];
        }

        return true;
    }

    private static ReadOnlySpan<byte> SkipByteOrderMark(ReadOnlySpan<byte> head) => head.StartsWith("\ufeff"u8) ? head[3..] : head;

    private static bool StartsWithIgnoringCase(ReadOnlySpan<byte> text, ReadOnlySpan<byte> start) =>
        text.Length >= start.Length && Ascii.EqualsIgnoreCase(text[..start.Length], start);

    private static string Hex(ReadOnlySpan<byte> head) => Convert.ToHexStringLower(head[..Math.Min(head.Length, 8)]);
}
