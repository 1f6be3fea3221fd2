using System.Diagnostics;
using System.Globalization;
using Loadline.Gauges;

namespace Loadline.Unit.Gauges;

/// <summary>Real processes, listed as a cgroup lists its own.</summary>
public sealed class GroupProcessesTests : IDisposable
{
    private const long FileBytes = 8 * ByteSize.MiB;

    /// <summary>Programs and libraries that are read as well.</summary>
    private const long OwnBytes = 8 * ByteSize.MiB;

    private readonly TemporaryFolder _folder = new(onDisk: true);
    private readonly GroupProcesses _group;
    private readonly List<Process> _processes = [];

    public GroupProcessesTests() => _group = new GroupProcesses(_folder.Path);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _group.Dispose();
        foreach (var process in _processes)
        {
            process.Kill(entireProcessTree: true);
            process.Dispose();
        }

        _folder.Dispose();
    }

    [Fact]
    public async Task What_a_child_read_counts_once_whether_its_parent_has_waited_for_it_or_not()
    {
        File.WriteAllBytes(_folder["data"], new byte[FileBytes]);
        PageCache.Evict(_folder["data"]).IsCold.Should().BeTrue();
        // The child says when it has read and lives; the parent waits for it, says so, and lives on.
        var shell = Start("sh", "-c", "sh -c 'cat < \"$0\" > /dev/null; echo $$; read go' \"$0\"; echo waited; read go", _folder["data"]);

        var child = int.Parse((await shell.StandardOutput.ReadLineAsync(Cancellation))!, CultureInfo.InvariantCulture);
        var whileItLives = ReadBytesOf(shell.Id, child);
        await shell.StandardInput.WriteLineAsync();
        (await shell.StandardOutput.ReadLineAsync(Cancellation)).Should().Be("waited");
        _group.ReadDisk();
        var beforeAnybodyLooks = _group.ReadBytes;
        var whenItIsGone = ReadBytesOf(shell.Id);
        var whenAllAre = ReadBytesOf();

        whileItLives.Should().BeInRange(FileBytes, FileBytes + OwnBytes);
        beforeAnybodyLooks.Should().Be(whileItLives, "its parent has the count now");
        whenItIsGone.Should().Be(whileItLives);
        whenAllAre.Should().Be(whileItLives, "what was read stays read");
    }

    [Fact]
    public void The_largest_come_first_and_who_is_not_there_is_not_among_them()
    {
        var own = Environment.ProcessId;
        List(own, Start("sh", "-c", "read go").Id, int.MaxValue);
        _group.Look();

        var largest = _group.Largest(5);

        largest.Should().HaveCount(2);
        largest[0].Id.Should().Be(own);
        largest[0].AnonymousBytes.Should().BeGreaterThan(largest[1].AnonymousBytes);
        largest[1].Name.Should().Be("sh");
        _group.Largest(1).Should().ContainSingle();
    }

    [Fact]
    public void A_group_whose_list_cannot_be_read_has_no_processes_and_no_count()
    {
        _group.Look();
        _group.ReadDisk();

        _group.Any.Should().BeFalse();
        _group.ReadBytes.Should().BeNull();
    }

    private long? ReadBytesOf(params int[] ids)
    {
        List(ids);
        _group.Look();
        _group.ReadDisk();
        return _group.ReadBytes;
    }

    private void List(params int[] ids) => File.WriteAllLines(_folder["cgroup.procs"], ids.Select(id => id.ToString(CultureInfo.InvariantCulture)));

    private Process Start(string program, params string[] arguments)
    {
        _processes.Add(Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true })!);
        return _processes[^1];
    }
}
