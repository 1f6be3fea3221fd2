using Loadline.Harness.Results;

namespace Loadline.Unit.Harness.Results;

/// <summary>Repositories as git lays them out, made by hand: none depends on what git is installed.</summary>
public sealed class GitCommitTests : IDisposable
{
    private const string Commit = "0123456789abcdef0123456789abcdef01234567";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("HEAD", Commit + "\n", "", "")]
    [InlineData("HEAD", "ref: refs/heads/main\n", "refs/heads/main", Commit + "\n")]
    [InlineData("HEAD", "ref: refs/heads/main\n", "packed-refs", "# pack-refs with: peeled\nffff refs/heads/other/refs/heads/main\n" + Commit + " refs/heads/main\n")]
    public void A_branch_a_packed_branch_and_none_lead_to_the_commit(string head, string text, string reference, string commit)
    {
        Write($".git/{head}", text);
        if (reference != "") Write($".git/{reference}", commit);

        GitCommit.Of(Directory.CreateDirectory(_folder["a/b"]).FullName).Should().Be(Commit);
    }

    [Fact]
    public void A_worktree_has_its_own_head_and_its_repositorys_branches()
    {
        Write("tree/.git", "gitdir: ../main/.git/worktrees/tree\n");
        Write("main/.git/worktrees/tree/HEAD", "ref: refs/heads/side\n");
        Write("main/.git/worktrees/tree/commondir", "../..\n");
        Write("main/.git/refs/heads/side", Commit);

        GitCommit.Of(_folder["tree"]).Should().Be(Commit);
    }

    [Theory]
    [InlineData("ref: refs/heads/none\n")]
    [InlineData("ref: /etc/passwd\n")]
    [InlineData("ref: a\0b\n")]
    [InlineData("no commit\n")]
    [InlineData("")]
    public void What_leads_to_no_commit_is_none(string head)
    {
        Write(".git/HEAD", head);

        GitCommit.Of(_folder.Path).Should().BeNull();
    }

    private void Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_folder[name])!);
        File.WriteAllText(_folder[name], text);
    }
}
