using System.Buffers.Binary;
using System.Text;
using Loadline.Checkpoints.Files;

namespace Loadline.Checkpoints.Zip;

/// <summary>
/// The records of an archive by their names below its one top folder, whatever that is called. The first record names the folder, as for
/// PyTorch; records elsewhere do not count.
/// </summary>
internal sealed class ZipDirectory
{
    // A deflated record may claim a thousand times its own length: what is inflated at once stays small whatever the file says.
    private const int MaxInflatedBytes = 32 << 20;

    // The best that deflate can do is 258 bytes for 2 bits.
    private const long MaxDeflateRatio = 1032;

    // And the worst that one does is a few bytes for each block, and for each time that its writer empties its buffers.
    private const long DeflateOverheadBytes = 256;

    // The record, its place in two tables, and its header where it is fetched beforehand.
    private const int BytesPerRecord = 260;
    private const int BytesPerNameByte = 2;
    private const int StepsPerRecord = 45;

    // Fresh pages for all of it.
    private const int BytesPerStep = 4;

    // As many as a checkpoint has tensors, but for very few: each costs its microseconds, also where nothing uses the record.
    private const int MostFetched = 65_536;

    private readonly SourceFile _file;
    private readonly Dictionary<string, ZipRecord> _records;
    private readonly Dictionary<string, byte[]> _headers = [];
    private readonly List<UsedSpan> _used = [];
    private readonly long _directoryPosition;

    private ZipDirectory(SourceFile file, ZipEnd end)
    {
        (_file, _directoryPosition) = (file, end.DirectoryPosition);
        // Paid for by the directory, of which each record takes 46 bytes and more; and before it is read, which takes its time for one that is not paid for, too.
        file.Ledger.Read(end.DirectoryBytes);
        file.Ledger.Charge((long)BytesPerRecord * end.RecordCount + BytesPerNameByte * (long)(end.DirectoryBytes - end.RecordCount * ZipFormat.CentralHeaderBytes));
        file.Ledger.Work((long)StepsPerRecord * end.RecordCount + end.DirectoryBytes / BytesPerStep);
        using (var directory = new UnmanagedBytes(end.DirectoryBytes))
        {
            file.ReadUncounted(end.DirectoryPosition, directory.Span, "the zip directory");
            _records = new Dictionary<string, ZipRecord>(end.RecordCount);
            ReadRecords(directory.Span, end.RecordCount);
        }

        FetchHeaders();
    }

    public static ZipDirectory Read(SourceFile file)
    {
        // Also of a part of a larger file, or one of a folder's. A directory is found from the end, but PyTorch looks at the beginning first, and takes what begins
        // otherwise for a tar or a legacy file, behind which may lie anything.
        if (file.Head is [(byte)'P', (byte)'K', 5, 6, ..]) throw file.Refuse(CheckpointError.UnknownFormat, "begins as a zip archive without a record, and so has no data.pkl");
        if (file.Head is not [(byte)'P', (byte)'K', 3, 4, ..]) throw file.Refuse(CheckpointError.UnknownFormat, "does not begin as an archive of torch.save does");
        return new ZipDirectory(file, ZipEnd.Find(file));
    }

    /// <summary>How many records there are.</summary>
    public int Count => _records.Count;

    public IReadOnlyCollection<ZipRecord> Records => _records.Values;

    public bool Contains(string name) => _records.ContainsKey(name);

    public ZipRecord? Find(string name) => _records.GetValueOrDefault(name);

    /// <summary>Where a record's payload lies: behind its local header, whose name and extra field may be longer than the directory's.</summary>
    public StorageEntry Locate(ZipRecord record)
    {
        // Of such a record PyTorch's reader fetches nothing, and says nothing.
        if (record.IsFolder) throw _file.Refuse(CheckpointError.Malformed, $"record '{record.Name}' says that it is a folder, and PyTorch would read nothing of it");
        if (record.IsEncrypted) throw _file.Refuse(CheckpointError.Unsupported, $"record '{record.Name}' is encrypted: unpack and pack it without a password");
        if (record.Method is not (ZipFormat.Stored or ZipFormat.Deflated))
        {
            throw _file.Refuse(CheckpointError.Unsupported, $"record '{record.Name}' is compressed by method {record.Method}: pack it stored");
        }

        Span<byte> header = stackalloc byte[ZipFormat.LocalHeaderBytes];
        if (_headers.TryGetValue(record.Name, out var fetched)) fetched.AsSpan().CopyTo(header);
        else ReadHeader(record, header);
        if (BinaryPrimitives.ReadUInt32LittleEndian(header) != ZipFormat.LocalHeader)
        {
            throw _file.Refuse(CheckpointError.Malformed, $"record '{record.Name}' has no header at {record.HeaderPosition}, where the directory says it is");
        }

        var position = record.HeaderPosition + ZipFormat.LocalHeaderBytes
            + BinaryPrimitives.ReadUInt16LittleEndian(header[26..]) + BinaryPrimitives.ReadUInt16LittleEndian(header[28..]);
        if (position > _directoryPosition || record.CompressedBytes > _directoryPosition - position)
        {
            throw _file.Refuse(
                CheckpointError.Malformed,
                $"record '{record.Name}' of {record.CompressedBytes} bytes at {position} reaches into the zip directory at {_directoryPosition}");
        }

        _used.Add(new UsedSpan(record.HeaderPosition, position + record.CompressedBytes, record.Name));
        return new StorageEntry(_file.Path, position, record.Bytes, record.Method == ZipFormat.Stored ? null : record.CompressedBytes);
    }

    /// <summary>Where a pickle lies, which is read through a window.</summary>
    public StorageEntry LocatePickle(ZipRecord record)
    {
        RequireAtMost(record, record.Method == ZipFormat.Stored ? Pickles.PickleInput.MaxBytes : MaxInflatedBytes);
        return Locate(record);
    }

    /// <summary>Reads a small record whole.</summary>
    public byte[] ReadAll(ZipRecord record, int maxBytes)
    {
        RequireAtMost(record, maxBytes);
        var storage = Locate(record);
        var bytes = new byte[record.Bytes];
        if (storage.IsMappable) _file.Read(storage.Position, bytes, "record ", record.Name);
        else InflatingReads.ReadAll(_file, storage, bytes);
        return bytes;
    }

    /// <summary>Refuses archives in which records that were located share bytes, as zip bombs and forgeries do.</summary>
    public void RefuseOverlaps()
    {
        _used.Sort();
        for (var i = 1; i < _used.Count; i++)
        {
            if (_used[i].Start >= _used[i - 1].End) continue;
            throw _file.Refuse(CheckpointError.Malformed, $"records '{_used[i - 1].Name}' and '{_used[i].Name}' overlap at {_used[i].Start}");
        }
    }

    private void RequireAtMost(ZipRecord record, int limit)
    {
        if (record.Bytes <= limit) return;
        throw _file.Refuse(CheckpointError.LimitExceeded, $"record '{record.Name}' has {record.Bytes} bytes, more than the limit of {limit}");
    }

    private void ReadHeader(ZipRecord record, Span<byte> header) => _file.Read(record.HeaderPosition, header, "the header of record ", record.Name);

    /// <summary>Reads all local headers of an archive that is not cached; else, or where there are very many, each is read when it is asked for.</summary>
    private void FetchHeaders()
    {
        if (_records.Count > MostFetched) return;
        var records = new ZipRecord[_records.Count];
        _records.Values.CopyTo(records, 0);
        var positions = new long[records.Length];
        for (var i = 0; i < records.Length; i++) positions[i] = records[i].HeaderPosition;
        if (!ScatteredReads.AreOnDisk(_file.Handle, positions)) return;
        for (var first = 0; first < records.Length; first += ScatteredReads.AtOnce)
        {
            var count = Math.Min(ScatteredReads.AtOnce, records.Length - first);
            ScatteredReads.Begin(_file.Handle, new ReadOnlySpan<long>(positions, first, count), ZipFormat.LocalHeaderBytes);
            foreach (var record in records.AsSpan(first, count)) ReadHeader(record, _headers[record.Name] = new byte[ZipFormat.LocalHeaderBytes]);
            ScatteredReads.LetGo(_file.Handle, new ReadOnlySpan<long>(positions, first, count), ZipFormat.LocalHeaderBytes);
        }
    }

    private void ReadRecords(ReadOnlySpan<byte> directory, int count)
    {
        byte[]? folder = null;
        var names = new RecordNames(_file);
        for (var i = 0; i < count; i++)
        {
            var header = Take(ref directory, ZipFormat.CentralHeaderBytes);
            if (BinaryPrimitives.ReadUInt32LittleEndian(header) != ZipFormat.CentralHeader)
            {
                throw _file.Refuse(CheckpointError.Malformed, $"record {i} of the zip directory has no header");
            }

            var name = Take(ref directory, BinaryPrimitives.ReadUInt16LittleEndian(header[28..]));
            var extra = Take(ref directory, BinaryPrimitives.ReadUInt16LittleEndian(header[30..]));
            Take(ref directory, BinaryPrimitives.ReadUInt16LittleEndian(header[32..]));
            folder ??= name[..(name.IndexOf((byte)'/') + 1)].ToArray();
            if (!name.StartsWith(folder))
            {
                if (name.Length >= folder.Length && Ascii.EqualsIgnoreCase(name[..folder.Length], folder)) throw _file.Refuse(CheckpointError.Malformed, $"has records in '{Encoding.UTF8.GetString(folder)}', and '{Encoding.UTF8.GetString(name)}' in what is the same folder to PyTorch");
                continue;
            }

            if (name.IndexOf((byte)0) >= 0) throw _file.Refuse(CheckpointError.Malformed, $"record {i} has a NUL in its name, where PyTorch's reader ends it");
            var record = ReadRecord(Utf8Text.Of(name[folder.Length..]), header, extra);
            if (!_records.TryAdd(record.Name, record)) throw _file.Refuse(CheckpointError.Malformed, $"two records are named '{record.Name}'");
            names.Add(record.Name);
        }

        // Who reads it to its end would find them.
        if (!directory.IsEmpty) throw _file.Refuse(CheckpointError.Malformed, $"the zip directory goes on behind the {count} records that it declares");
        names.RefuseTwins(_records.ContainsKey);
    }

    private ZipRecord ReadRecord(string name, ReadOnlySpan<byte> header, ReadOnlySpan<byte> extra)
    {
        var flags = BinaryPrimitives.ReadUInt16LittleEndian(header[8..]);
        var method = BinaryPrimitives.ReadUInt16LittleEndian(header[10..]);
        long compressed = BinaryPrimitives.ReadUInt32LittleEndian(header[20..]);
        long bytes = BinaryPrimitives.ReadUInt32LittleEndian(header[24..]);
        long position = BinaryPrimitives.ReadUInt32LittleEndian(header[42..]);
        var wide = FindZip64(extra);
        // The wide fields stand in this order, each only if the narrow one is saturated.
        if (bytes == ZipFormat.Saturated32 && wide.Length >= 8) bytes = TakeInt64(ref wide);
        if (compressed == ZipFormat.Saturated32 && wide.Length >= 8) compressed = TakeInt64(ref wide);
        if (position == ZipFormat.Saturated32 && wide.Length >= 8) position = TakeInt64(ref wide);

        var sizesAgree = method == ZipFormat.Stored
            ? bytes == compressed
            : bytes <= Math.Min(compressed, long.MaxValue / MaxDeflateRatio) * MaxDeflateRatio && (compressed - DeflateOverheadBytes) / 5 * 4 <= bytes;
        if (bytes < 0 || compressed < 0 || position < 0 || position > _directoryPosition || !sizesAgree)
        {
            throw _file.Refuse(
                CheckpointError.Malformed, $"record '{name}' declares {bytes} bytes, {compressed} of them in the file from {position} on, which cannot be");
        }

        var attributes = BinaryPrimitives.ReadUInt32LittleEndian(header[38..]);
        var isFolder = name is "" or [.., '/'] || (attributes & ZipFormat.FolderAttribute) != 0;
        return new ZipRecord(name, isFolder, method, (flags & ZipFormat.EncryptedFlag) != 0, compressed, bytes, position);
    }

    private static ReadOnlySpan<byte> FindZip64(ReadOnlySpan<byte> extra)
    {
        while (extra.Length >= 4)
        {
            var length = Math.Min(BinaryPrimitives.ReadUInt16LittleEndian(extra[2..]), extra.Length - 4);
            if (BinaryPrimitives.ReadUInt16LittleEndian(extra) == ZipFormat.Zip64Extra) return extra.Slice(4, length);
            extra = extra[(4 + length)..];
        }

        return default;
    }

    private static long TakeInt64(ref ReadOnlySpan<byte> wide)
    {
        var value = BinaryPrimitives.ReadInt64LittleEndian(wide);
        wide = wide[8..];
        return value;
    }

    private ReadOnlySpan<byte> Take(ref ReadOnlySpan<byte> directory, int length)
    {
        if (length > directory.Length) throw _file.Refuse(CheckpointError.Malformed, "the zip directory ends inside a record");
        var taken = directory[..length];
        directory = directory[length..];
        return taken;
    }

    /// <summary>Where a record that is used lies, its header included. A class: sorting values of one's own is compiled at run time.</summary>
    private sealed record UsedSpan(long Start, long End, string Name) : IComparable<UsedSpan>
    {
        // Of `other?.Start` the comparison would be that of objects, and box it.
        public int CompareTo(UsedSpan? other) => other is null ? 1 : Start.CompareTo(other.Start);
    }
}
