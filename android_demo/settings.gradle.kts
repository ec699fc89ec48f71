// For Android Studio. `mvn verify` is what is tested; its checks compare these files with the pom.xml files.
pluginManagement {
    repositories {
        google()
        mavenCentral()
        gradlePluginPortal()
    }
}

dependencyResolutionManagement {
    repositoriesMode.set(RepositoriesMode.FAIL_ON_PROJECT_REPOS)
    repositories {
        google()
        mavenCentral()
    }
}

rootProject.name = "melanoma-edge-demo"
include(":core", ":engine", ":app")
