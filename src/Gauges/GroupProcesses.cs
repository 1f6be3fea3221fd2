using System.Buffers.Text;
using System.Globalization;

namespace Loadline.Gauges;

/// <summary>The processes of a cgroup, read from outside: which are the largest, and what they have read from the disk.</summary>
/// <param name="folder">The cgroup's.</param>
internal sealed class GroupProcesses(string folder) : IDisposable
{
    /// <summary>More than anybody reads, and few enough to be read in a moment.</summary>
    private const int MostProcesses = 64;

    private readonly string _list = Path.Join(folder, "cgroup.procs");
    private readonly Dictionary<int, Member> _members = [];
    private long _goneBytes;
    private long _readBytes;
    private bool _anyRead;

    /// <summary>
    /// What they and those before them made the kernel fetch from the disk; null where the kernel does not tell. A process that is waited for hands its count
    /// to its parent, so that the sum over the living ones lacks only those whose parent is outside.
    /// </summary>
    public long? ReadBytes => _anyRead ? _readBytes : null;

    /// <summary>Whether one was there.</summary>
    public bool Any => _members.Count > 0;

    /// <summary>Finds out who is there now.</summary>
    public void Look()
    {
        var now = Ids();
        foreach (var id in _members.Keys.Where(id => !now.Contains(id)).ToList())
        {
            if (!now.Contains(_members[id].Parent)) _goneBytes += _members[id].ReadBytes;
            _members[id].Dispose();
            _members.Remove(id);
        }

        foreach (var id in now.Where(id => !_members.ContainsKey(id)))
        {
            _members[id] = new Member(id);
            // Its parent, before that has ended and another takes its place.
            _ = _members[id].Share();
        }
    }

    /// <summary>Reads what they have read from the disk.</summary>
    public void ReadDisk()
    {
        var sum = _goneBytes;
        // Parents first: a child that is waited for between the two readings is then missed, never counted twice.
        foreach (var member in _members.Values.OrderBy(Depth))
        {
            _anyRead |= member.ReadDisk(isInherited: _members.ContainsKey(member.Parent));
            sum += member.ReadBytes;
        }

        // Between a process's end and its parent's waiting for it the sum is too low.
        _readBytes = Math.Max(_readBytes, sum);
    }

    /// <summary>The largest, the largest first.</summary>
    public IReadOnlyList<ProcessShare> Largest(int count) =>
        [.. _members.Values.Select(m => m.Share()).OfType<ProcessShare>().OrderByDescending(share => share.AnonymousBytes + share.ShmemBytes)
            .ThenByDescending(share => share.Bytes).Take(count)];

    public void Dispose()
    {
        foreach (var member in _members.Values) member.Dispose();
        _members.Clear();
    }

    private int Depth(Member member)
    {
        var depth = 0;
        // Bounded by their number: an id that was taken again could make a circle of parents.
        while (depth < _members.Count && _members.TryGetValue(member.Parent, out var parent)) (member, depth) = (parent, depth + 1);
        return depth;
    }

    private HashSet<int> Ids()
    {
        var ids = new HashSet<int>();
        Span<byte> buffer = stackalloc byte[KernelFile.MaxBytes];
        int read;
        try
        {
            // Opened anew: of an open file version 1 keeps the list for a second.
            using var file = File.OpenHandle(_list, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            read = RandomAccess.Read(file, buffer, fileOffset: 0);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return ids;
        }

        foreach (var range in buffer[..read].Split((byte)'\n'))
        {
            // 0 stands for a process of another PID namespace.
            if (Utf8Parser.TryParse(buffer[..read][range], out int id, out _) && id > 0 && ids.Count < MostProcesses) ids.Add(id);
        }

        return ids;
    }

    private sealed class Member(int id) : IDisposable
    {
        private readonly KernelFile? _status = KernelFile.TryOpen(Path.Join("/proc", id.ToString(CultureInfo.InvariantCulture), "status"));
        private readonly KernelFile? _io = KernelFile.TryOpen(Path.Join("/proc", id.ToString(CultureInfo.InvariantCulture), "io"));
        private bool _ended;
        private byte[]? _larger;

        /// <summary>Its last reading.</summary>
        public long ReadBytes { get; private set; }

        /// <summary>Its parent; 0 where nobody knows.</summary>
        public int Parent { get; private set; }

        /// <param name="isInherited">Whether its parent is there too, to whom its count goes when it has ended.</param>
        public bool ReadDisk(bool isInherited)
        {
            if (_io is null || _ended) return _io is not null;
            try
            {
                ReadBytes = _io.Read(stackalloc byte[512]).SizeIn("read_bytes"u8);
                return true;
            }
            catch (GaugeException)
            {
                // Gone, or not ours to read.
                _ended = true;
                if (isInherited) ReadBytes = 0;
                return false;
            }
        }

        /// <summary>What it holds; null of one that has ended.</summary>
        public ProcessShare? Share()
        {
            if (_status is null || _ended) return null;
            try
            {
                var status = _status.ReadLong(stackalloc byte[KernelFile.MaxBytes], ref _larger);
                Parent = (int)status.SizeIn("PPid"u8);
                return new ProcessShare(
                    id, status.TextIn("Name"u8), status.FieldInBytes("RssAnon"u8), status.FieldInBytes("RssFile"u8), status.FieldInBytes("RssShmem"u8));
            }
            catch (GaugeException)
            {
                // Gone, or dead and not waited for, which has no memory any more.
                return null;
            }
        }

        public void Dispose()
        {
            _status?.Dispose();
            _io?.Dispose();
        }
    }
}
