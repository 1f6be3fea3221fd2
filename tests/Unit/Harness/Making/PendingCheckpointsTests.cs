using System.Diagnostics;
using Loadline.Harness.Making;
using Loadline.Harness.Runtimes;

namespace Loadline.Unit.Harness.Making;

public sealed class PendingCheckpointsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task What_a_process_that_is_gone_left_half_written_is_removed_and_nothing_else()
    {
        using var dead = Process.Start("sleep", "1000");
        var gone = Owner.Of(dead.Id)!;
        dead.Kill();
        await dead.WaitForExitAsync(TestContext.Current.CancellationToken);
        var elsewhere = gone with { Boot = "another" };
        string[] kept = ["a.pth", $"a.pth.{Owner.Self}.1f.partial", $"a.pth.{elsewhere}.1f.partial", "a.pth.notes.partial", "a.pth.partial"];
        string[] left = [$"a.pth.{gone}.1f.partial", $"b.of.another.target.pth.{gone}.1f.partial"];
        foreach (var name in kept.Concat(left)) File.WriteAllText(_folder[name], "");
        Directory.CreateDirectory(_folder[$"sharded.{gone}.1f.partial"]);
        File.WriteAllText(_folder[$"sharded.{gone}.1f.partial/model-00001-of-00002.safetensors"], "");
        File.WriteAllText(_folder[$"sharded.{gone}.1f.partial/.unfinished"], "/\0");
        // Who may rename in this folder has given somebody's work such a name.
        Directory.CreateDirectory(_folder[$"renamed.{gone}.1f.partial"]);
        File.WriteAllText(_folder[$"renamed.{gone}.1f.partial/model.safetensors"], "");

        PendingCheckpoints.Begin(_folder["a.pth"]).Should().StartWith(_folder[$"a.pth.{Owner.Self}."]).And.EndWith(".partial");
        PendingCheckpoints.Begin(_folder["sharded/"]).Should().StartWith(_folder[$"sharded.{Owner.Self}."]).And.EndWith(".partial");

        Directory.GetFileSystemEntries(_folder.Path).Select(Path.GetFileName).Should().BeEquivalentTo([.. kept, $"renamed.{gone}.1f.partial"]);
        File.Exists(_folder[$"renamed.{gone}.1f.partial/model.safetensors"]).Should().BeTrue();
    }

    // As of the older folder, of which the files are known, and in which somebody's shell may stand still.
    [Fact]
    public void Of_a_folder_whose_mark_names_files_no_others_are_removed()
    {
        Directory.CreateDirectory(_folder["a.partial"]);
        foreach (var name in (string[])["a.partial/model-1.safetensors", "a.partial/notes.txt"]) File.WriteAllText(_folder[name], "");
        File.WriteAllText(_folder["a.partial/.unfinished"], "model-1.safetensors\0model-2.safetensors\0notes.txt");

        PendingCheckpoints.Remove(_folder["a.partial"]);

        Directory.GetFiles(_folder["a.partial"]).Select(Path.GetFileName).Should().Equal("notes.txt");
    }

    [Theory]
    [InlineData("", 1)]
    [InlineData("/", 2)]
    [InlineData("somebody's work", 2)]
    [InlineData("/\0", 0)]
    public void A_mark_that_was_not_written_to_its_end_names_none_and_what_is_none_stays(string mark, int left)
    {
        Directory.CreateDirectory(_folder["a.partial"]);
        File.WriteAllText(_folder["a.partial/notes.txt"], "");
        File.WriteAllText(_folder["a.partial/.unfinished"], mark);

        PendingCheckpoints.Remove(_folder["a.partial"]);

        (Directory.Exists(_folder["a.partial"]) ? Directory.GetFiles(_folder["a.partial"]) : []).Should().HaveCount(left);
    }

    [Fact]
    public void A_mark_without_an_end_is_somebody_elses()
    {
        Directory.CreateDirectory(_folder["a.partial"]);
        using (var mark = File.OpenHandle(_folder["a.partial/.unfinished"], FileMode.CreateNew, FileAccess.Write)) RandomAccess.SetLength(mark, 1L << 40);

        PendingCheckpoints.Remove(_folder["a.partial"]);

        File.Exists(_folder["a.partial/.unfinished"]).Should().BeTrue();
    }

    [Fact]
    public void What_is_only_named_like_one_loses_files_of_its_own_and_nothing_behind_it()
    {
        Directory.CreateDirectory(_folder["work/thesis"]);
        Directory.CreateDirectory(_folder["a.partial/inside"]);
        foreach (var name in (string[])["work/one", "work/thesis/two", "a.partial/inside/three", "a.partial/own"]) File.WriteAllText(_folder[name], "");
        File.WriteAllText(_folder["a.partial/.unfinished"], "/\0");
        Directory.CreateSymbolicLink(_folder["b.partial"], _folder["work"]);
        Directory.CreateSymbolicLink(_folder["a.partial/link"], _folder["work"]);

        PendingCheckpoints.Remove(_folder["b.partial"]);
        PendingCheckpoints.Remove(_folder["a.partial"]);

        Directory.GetFileSystemEntries(_folder.Path, "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(_folder.Path, path)).Should()
            .BeEquivalentTo("work", "work/one", "work/thesis", "work/thesis/two", "a.partial", "a.partial/inside", "a.partial/inside/three");
    }
}
